"""The table of keywords says what the meta-schemas of the dialects say, and its columns go together."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import jsonschema
import pytest

from miniagents.codegen.reading.dialects import (
    DIALECTS,
    DRAFT_04,
    DRAFT_06,
    DRAFT_07,
    DRAFT_2019_09,
    DRAFT_2020_12,
    Dialect,
    knows,
)
from miniagents.validation.keywords import ABOUT, ASSERTIONS, KEYWORDS, LIMITS, is_idle
from miniagents.validation.validator import Validator
from miniagents.validation.values import TYPES, JsonValue, is_array, is_object

JUDGES: Final[Mapping[Dialect, Any]] = {  # Any: what jsonschema calls a validator differs from version to version
    DRAFT_04: jsonschema.Draft4Validator,
    DRAFT_06: jsonschema.Draft6Validator,
    DRAFT_07: jsonschema.Draft7Validator,
    DRAFT_2019_09: jsonschema.Draft201909Validator,
    DRAFT_2020_12: jsonschema.Draft202012Validator,
}
ARGUMENTS: Final[list[JsonValue]] = [
    *(None, True, False, 0, 1, 3.0, -1, 0.5, "", "string", "float", "#name", "https://example.org/name"),
    *json.loads('[[], ["string"], [1], [{}], [{}, true], {}, {"a": {}}, {"a": 1}, {"a": ["b"]}]'),
]
RESERVED: Final = {DRAFT_2019_09: {"dependencies"}, DRAFT_2020_12: {"dependencies", "$recursiveRef"}}
"""No keywords any more, but in the meta-schema, so that nobody uses them for something else."""

SAID_MORE_OF: Final = {"$anchor", "$dynamicAnchor", "$id", "$recursiveRef", "$vocabulary", "dependencies"}
"""Keywords of which the table only knows the type of their argument; where they are read, the rest is looked at."""


def refused(dialect: Dialect, name: str) -> list[int]:
    """The places of the arguments that the meta-schema of a dialect refuses."""
    judge = JUDGES[dialect](JUDGES[dialect].META_SCHEMA)
    return [place for place, argument in enumerate(ARGUMENTS) if not judge.is_valid({name: argument})]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: each.name)
def test_the_dialects_know_the_keywords_of_their_meta_schemas(dialect: Dialect) -> None:
    """Notes of a newer dialect are read in the older ones as well: they refuse nothing there either."""
    names = ASSERTIONS - RESERVED.get(dialect, set()) - {"const"}  # whose argument may be anything
    names -= {"$ref"} if dialect is DRAFT_04 else set()  # which its meta-schema uses, but does not describe
    assert {name for name in names if knows(dialect, name)} == {name for name in names if refused(dialect, name)}


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: each.name)
def test_arguments_have_the_forms_of_the_meta_schemas(dialect: Dialect) -> None:
    for name in sorted(KEYWORDS):
        row, wrong = KEYWORDS[name], refused(dialect, name)
        for place, argument in enumerate(ARGUMENTS if wrong and knows(dialect, name) else ()):
            fits = row.argument.fits(argument)
            if dialect is DRAFT_04 and (name in FLAGS or holds_schemas_of_draft_06(argument) or argument in ([], 3.0)):
                continue
            if name == "items" and is_array(argument) and dialect.number < 2020:
                continue  # an array of schemas, which stands in `prefixItems` since
            if fits and (name in SAID_MORE_OF or (row.holds and not holds_schemas(argument))):
                continue  # the schemas in it are looked at one by one
            assert (place not in wrong) == fits, f"{name}: {argument!r}"


FLAGS: Final = {"exclusiveMinimum", "exclusiveMaximum"}
"""Of draft-04, beside the limit, which is a limit of its own since."""


def holds_schemas_of_draft_06(argument: JsonValue) -> bool:
    """Whether an argument is or holds true or false, which are no schemas in draft-04 but read as such."""
    members = argument.values() if is_object(argument) else argument if is_array(argument) else [argument]
    return any(isinstance(each, bool) for each in members)


def holds_schemas(argument: JsonValue) -> bool:
    members = argument.values() if is_object(argument) else argument if is_array(argument) else ()
    return all(isinstance(each, bool | dict) for each in members)


@pytest.mark.parametrize("name", KEYWORDS)
def test_the_columns_of_a_keyword_go_together(name: str) -> None:
    row = KEYWORDS[name]
    assert row.since <= row.until
    assert not row.beside or KEYWORDS[row.beside].about == row.about
    assert row.limit is None or row.about is not None
    assert row.idle is None or row.argument.fits(row.idle)
    assert bool(row.applied) >= bool(row.holds and row.role != "identity")
    if row.argument.wrong:
        assert re.match(r"is (no|neither|none) ", row.argument.wrong)
        assert row.argument.expected


@pytest.mark.parametrize("name", [name for name, row in KEYWORDS.items() if row.idle is not None])
def test_an_idle_keyword_accepts_everything(name: str) -> None:
    schema = {name: KEYWORDS[name].idle}
    assert is_idle(schema, name)
    validator = Validator({"T": schema})
    values: list[JsonValue] = [None, True, 0, "", [], [1, 1], {}, {"a": 1}]
    assert all(validator.accepts("T", value) for value in values)


def test_a_keyword_is_idle_without_the_one_that_it_belongs_to() -> None:
    assert is_idle({"minContains": 1}, "minContains")
    assert not is_idle({"minContains": 1, "contains": True}, "minContains")


def test_every_type_has_its_keywords() -> None:
    assert ABOUT.keys() == {None, *TYPES}
    assert frozenset().union(*ABOUT.values()) == ASSERTIONS
    assert LIMITS["integer"] == LIMITS["number"]
    assert LIMITS["string"] == {"pattern": "pattern", "min_length": "minLength", "max_length": "maxLength"}

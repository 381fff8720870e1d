"""The table of keywords says what the meta-schemas of the dialects say, and its columns go together."""

import re
from collections.abc import Mapping
from typing import Any, Final

import jsonschema
import pytest
from jsonschema_specifications import REGISTRY

from miniagents.codegen.reading.dialects import (
    DIALECTS,
    DRAFT_06,
    DRAFT_07,
    DRAFT_2019_09,
    DRAFT_2020_12,
    Dialect,
    knows,
)
from miniagents.validation.keywords import ABOUT, ASSERTIONS, KEYWORDS, LIMITS, is_idle
from miniagents.validation.validator import Validator
from miniagents.validation.values import TYPES

JUDGES: Final[Mapping[Dialect, Any]] = {  # Any: what jsonschema calls a validator differs from version to version
    DRAFT_06: jsonschema.Draft6Validator,
    DRAFT_07: jsonschema.Draft7Validator,
    DRAFT_2019_09: jsonschema.Draft201909Validator,
    DRAFT_2020_12: jsonschema.Draft202012Validator,
}
ARGUMENTS: Final[tuple[object, ...]] = (
    *(None, True, False, 0, 1, 3.0, -1, 0.5, "", "string", "float", "#name", "https://example.org/name"),
    *([], ["string"], [1], [{}], [{}, True], {}, {"a": {}}, {"a": 1}, {"a": ["b"]}),
)


def keywords_of(dialect: Dialect) -> set[str]:
    """The keywords in the meta-schema of a dialect, without those that it only reserves."""
    metaschema = JUDGES[dialect].META_SCHEMA
    base = dialect.uri.rpartition("/")[0]
    parts = [REGISTRY.contents(f"{base}/{each['$ref']}") for each in metaschema.get("allOf", ())]
    return {
        name
        for part in (metaschema, *parts)
        for name, form in part["properties"].items()
        if form is True or not ("deprecated" in form or "no longer" in form.get("$comment", ""))
    }


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: each.name)
def test_the_dialects_know_the_keywords_of_their_meta_schemas(dialect: Dialect) -> None:
    """Notes of a newer dialect are read in the older ones as well: they refuse nothing there either."""
    theirs = {name for every in DIALECTS for name in keywords_of(every)}
    assert theirs <= KEYWORDS.keys()
    assert {name for name in theirs & ASSERTIONS if knows(dialect, name)} == keywords_of(dialect) & ASSERTIONS


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: each.name)
def test_arguments_have_the_forms_of_the_meta_schemas(dialect: Dialect) -> None:
    judge = JUDGES[dialect](JUDGES[dialect].META_SCHEMA)
    for name in sorted(keywords_of(dialect)):
        for argument in ARGUMENTS:
            fits = KEYWORDS[name].argument.fits(argument)
            if name == "items" and isinstance(argument, list) and dialect.number < 2020:
                continue  # an array of schemas, which stands in `prefixItems` since
            if fits and KEYWORDS[name].holds in ("many", "named") and not are_schemas(argument):
                continue  # each of them is looked at by itself
            if name in ("$anchor", "$dynamicAnchor", "$id", "$recursiveRef", "$vocabulary", "dependencies") and fits:
                continue  # more is said of these where they are read
            assert judge.is_valid({name: argument}) == fits, f"{name}: {argument!r}"


def are_schemas(argument: Any) -> bool:  # Any: any JSON
    return all(
        isinstance(each, bool | dict) for each in (argument.values() if isinstance(argument, dict) else argument)
    )


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
    assert all(validator.accepts("T", value) for value in (None, True, 0, "", [], [1, 1], {}, {"a": 1}))


def test_a_keyword_is_idle_without_the_one_that_it_belongs_to() -> None:
    assert is_idle({"minContains": 1}, "minContains")
    assert not is_idle({"minContains": 1, "contains": True}, "minContains")


def test_every_type_has_its_keywords() -> None:
    assert ABOUT.keys() == {None, *TYPES}
    assert frozenset().union(*ABOUT.values()) == ASSERTIONS
    assert LIMITS["integer"] == LIMITS["number"]
    assert LIMITS["string"] == {"pattern": "pattern", "min_length": "minLength", "max_length": "maxLength"}

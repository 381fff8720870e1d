"""The guide's table of keywords says what the generator does with each (G2): it is tried, and compared.

Which keywords there are is what `validation/keywords.py` says. What becomes of each is found out with small schemas:
the generator refuses it by name, or ignores it with a warning; msgspec alone refuses what it forbids; `decode` does; or
it changes nothing at all.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Final

import msgspec
import pytest

from miniagents import DecodeError
from miniagents.codegen import GenerationError, generate
from miniagents.codegen.comparing.comparer import compare
from miniagents.codegen.reading.bundle import read_bundle
from miniagents.codegen.reading.dialects import DIALECTS, DRAFT_07, DRAFT_2020_12, Dialect, knows
from miniagents.codegen.shaping.modules import module_of
from miniagents.codegen.writing.emitter import emit
from miniagents.validation.formats import FORMATS
from miniagents.validation.keywords import ASSERTIONS, DOCUMENTATION, HINTS, IDENTITY, KNOWN

PAGE: Final = (Path(__file__).parents[2] / "miniagents/guide/keywords.md").read_text(encoding="utf-8")
MEANT: Final = (DRAFT_2020_12, DRAFT_07)
"""The dialects that have a column in the table, in its order."""

NOT_OF_A_DIALECT: Final = frozenset({"nullable", "x-…"})
"""Rows for what is no keyword of any dialect."""

TYPES, CHECKED, NOTE, PLACE, HINT, IGNORED, REFUSED = "types", "checked", "note", "place", "hint", "ignored", "refused"
ORDER: Final = (TYPES, CHECKED, NOTE, PLACE, HINT, IGNORED, REFUSED)

Json = object
NOTHING: Final = object()


@dataclass(frozen=True)
class Probe:
    """A schema that uses a keyword.

    Attributes:
        schema: The schema, which becomes the type `Probe`.
        good: What it accepts; nothing where it is to be refused.
        bad: What it accepts no more because of the keyword; nothing where that accepts everything.
        others: What stands beside it in `$defs`.
        only: The one dialect that it is for, None for all that know the keyword.
    """

    schema: Mapping[str, Json]
    good: Json = NOTHING
    bad: Json = NOTHING
    others: Mapping[str, Json] = field(default_factory=dict[str, Json])
    only: Dialect | None = None


STRING: Final = {"type": "string"}
INTEGER: Final = {"type": "integer"}
OPEN: Final = {"type": "object", "properties": {"a": STRING}}
CLOSED: Final = {**OPEN, "additionalProperties": False}
SHAPE_A: Final = {
    "type": "object",
    "properties": {"k": {"const": "a"}},
    "required": ["k"],
    "additionalProperties": False,
}
SHAPE_B: Final = {
    "type": "object",
    "properties": {"k": {"const": "b"}},
    "required": ["k"],
    "additionalProperties": False,
}
NEEDS_A: Final = {**CLOSED, "required": ["a"]}
NEEDS_B: Final = {
    "type": "object",
    "properties": {"b": STRING},
    "required": ["b"],
    "additionalProperties": False,
}
MESSAGE: Final = {HINTS: {"base": "Message"}}
WORD: Final[Mapping[str, Json]] = {"Word": NEEDS_A}


def union(keyword: str) -> list[Probe]:
    return [
        Probe({keyword: [STRING, {"type": "null"}]}, None, 1),
        Probe({keyword: [SHAPE_A, SHAPE_B]}, {"k": "b"}, {"k": "c"}),
        Probe({keyword: [NEEDS_A, NEEDS_B]}, {"b": ""}, {"c": ""}),
        Probe({"type": "integer", keyword: [{"multipleOf": 3}, {"multipleOf": 5}]}, 5, 7),
    ]


def limit(keyword: str, good: int, bad: int) -> list[Probe]:
    return [
        Probe({"type": "integer", keyword: 4}, good, bad),
        Probe({"type": "number", keyword: 4}, good, bad),
        Probe({"type": "integer", keyword: 4.0 if keyword.startswith("exclusive") else 4.5}, good, bad),
        Probe({keyword: 4}, "text", bad),
    ]


PROBES: Final[Mapping[str, list[Probe]]] = {
    # --- values of any kind
    "type": [Probe(STRING, "a", 1), Probe({"type": ["integer", "null"]}, None, "a"), Probe({"type": "text"})],
    "enum": [Probe({"enum": ["a", 1, None]}, 1, "b"), Probe({"enum": [{"a": 1}, 1.5]}, {"a": 1}, {"a": 2})],
    "const": [Probe({"const": "a"}, "a", "b"), Probe({"const": [1]}, [1], [2])],
    "$ref": [
        Probe({"$ref": "#/$defs/Word"}, {"a": ""}, {"a": 1}, WORD),
        Probe({"$ref": "#/$defs/Word", "minProperties": 1}, {"a": ""}, {"a": 1}, WORD),
        Probe({"$ref": "https://example.org/word.json"}),
        Probe({"$ref": "#/$defs/Nothing"}),
        Probe({"$ref": "#/$defs/Probe"}),
    ],
    "$dynamicRef": [
        Probe({"$dynamicRef": "#word"}, {"a": ""}, {"a": 1}, {"Word": {"$dynamicAnchor": "word", **NEEDS_A}}),
    ],
    "allOf": [
        Probe({"allOf": [{"$ref": "#/$defs/Word"}]}, {"a": ""}, {"a": 1}, WORD),
        Probe({"allOf": [OPEN, {"type": "object", "properties": {"b": STRING}}]}, {"a": "", "b": ""}, {"a": 1}),
        Probe({"allOf": [OPEN, {"not": {"required": ["a"]}}]}, {}, {"a": ""}),
    ],
    "anyOf": union("anyOf"),
    "oneOf": union("oneOf"),
    "not": [Probe({"type": "string", "not": {"const": "a"}}, "b", "a")],
    "if": [Probe({**OPEN, "if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"a": "", "b": 1}, {"a": ""})],
    "then": [Probe({**OPEN, "if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"a": "", "b": 1}, {"a": ""})],
    "else": [Probe({**OPEN, "if": {"required": ["a"]}, "else": {"required": ["b"]}}, {"b": 1}, {})],
    # --- texts
    "minLength": [Probe({"type": "string", "minLength": 2}, "ab", "a"), Probe({"minLength": 2}, 1, "a")],
    "maxLength": [Probe({"type": "string", "maxLength": 2}, "ab", "abc"), Probe({"maxLength": 2}, 1, "abc")],
    "pattern": [
        Probe({"type": "string", "pattern": "^a+$"}, "aa", "b"),
        Probe({"pattern": "^a+$"}, 1, "b"),
        Probe({"type": "string", "pattern": "(?<=a+)b"}),
    ],
    "format": [
        Probe({"type": "string", "format": "date"}, "tomorrow"),
        Probe({"type": "string", "format": "no-such-format"}, "a"),
        Probe({"type": "string", "format": "date", "x-miniagents-format": "checked"}, "2024-02-29", "2023-02-29"),
        Probe({"type": "string", "format": "date", "x-miniagents-format": "typed"}, "2024-02-29", "2023-02-29"),
        Probe({"type": "string", "format": "no-such-format", "x-miniagents-format": "checked"}),
    ],
    "contentEncoding": [Probe({"type": "string", "contentEncoding": "base64"}, "?")],
    "contentMediaType": [Probe({"type": "string", "contentMediaType": "application/json"}, "{")],
    "contentSchema": [
        Probe({"type": "string", "contentMediaType": "application/json", "contentSchema": INTEGER}, "{}"),
    ],
    # --- numbers
    "minimum": limit("minimum", 5, 3),
    "maximum": limit("maximum", 3, 5),
    "exclusiveMinimum": limit("exclusiveMinimum", 5, 4),
    "exclusiveMaximum": limit("exclusiveMaximum", 3, 4),
    "multipleOf": [
        Probe({"type": "integer", "multipleOf": 3}, 6, 7),
        Probe({"type": "number", "multipleOf": 0.01}, 0.29, 0.295),
    ],
    # --- arrays
    "items": [
        Probe({"type": "array", "items": STRING}, ["a"], [1]),
        Probe({"type": "array", "items": [STRING], "minItems": 1, "maxItems": 1}, ["a"], [1], only=DRAFT_07),
        Probe({"type": "array", "items": [STRING]}, [], [1], only=DRAFT_07),
        Probe({"type": "array", "items": [STRING]}, only=DRAFT_2020_12),
        Probe({"items": STRING}, 1, [1]),
    ],
    "prefixItems": [
        Probe({"type": "array", "prefixItems": [STRING], "minItems": 1, "maxItems": 1}, ["a"], [1]),
        Probe({"type": "array", "prefixItems": [STRING, INTEGER]}, ["a"], ["a", "b"]),
    ],
    "additionalItems": [
        Probe({"type": "array", "items": [STRING], "minItems": 1, "additionalItems": False}, ["a"], ["a", 1]),
        Probe({"type": "array", "items": [STRING], "additionalItems": INTEGER}, ["a", 1], ["a", "b"]),
    ],
    "minItems": [Probe({"type": "array", "minItems": 2}, [1, 1], [1]), Probe({"minItems": 2}, 1, [1])],
    "maxItems": [Probe({"type": "array", "maxItems": 1}, [1], [1, 1]), Probe({"maxItems": 1}, 1, [1, 1])],
    "uniqueItems": [Probe({"type": "array", "uniqueItems": True}, [1, 2], [1, 1.0])],
    "contains": [Probe({"type": "array", "contains": INTEGER}, ["a", 1], ["a"])],
    "minContains": [Probe({"type": "array", "contains": INTEGER, "minContains": 2}, [1, 2], [1])],
    "maxContains": [Probe({"type": "array", "contains": INTEGER, "maxContains": 1}, [1], [1, 2])],
    "unevaluatedItems": [
        Probe({"type": "array", "allOf": [{"contains": INTEGER}], "unevaluatedItems": False}, [1], [1, "a"]),
    ],
    # --- objects
    "properties": [
        Probe(OPEN, {"a": ""}, {"a": 1}),
        Probe({"properties": {"a": STRING}}, 1, {"a": 1}),
        Probe({"type": "object", "properties": {'"': STRING, "@extra": STRING}}, {'"': "", "@extra": ""}, {'"': 1}),
        Probe({**CLOSED, **MESSAGE, "properties": {"@type": STRING}}),
    ],
    "required": [Probe({**CLOSED, "required": ["a"]}, {"a": ""}, {}), Probe({**OPEN, "required": ["b"]}, {"b": 1}, {})],
    "additionalProperties": [
        Probe(CLOSED, {"a": ""}, {"b": ""}),
        Probe({**OPEN, "additionalProperties": INTEGER}, {"b": 1}, {"b": ""}),
        Probe({"type": "object", "additionalProperties": INTEGER}, {"b": 1}, {"b": ""}),
        Probe({"additionalProperties": INTEGER}, 1, {"b": ""}),
        Probe({**OPEN, **MESSAGE, "additionalProperties": True}),
    ],
    "patternProperties": [
        Probe({"type": "object", "patternProperties": {"^a": INTEGER}}, {"a": 1, "b": ""}, {"a": ""}),
        Probe({**OPEN, "patternProperties": {"^b": INTEGER}}, {"b": 1}, {"b": ""}),
        Probe({"type": "object", "patternProperties": {"(?<=a+)b": INTEGER}}),
    ],
    "propertyNames": [Probe({"type": "object", "propertyNames": {"maxLength": 1}}, {"a": 1}, {"ab": 1})],
    "minProperties": [
        Probe({"type": "object", "minProperties": 1}, {"a": 1}, {}),
        Probe({**OPEN, "minProperties": 1}, {"a": ""}, {}),
    ],
    "maxProperties": [
        Probe({"type": "object", "maxProperties": 1}, {"a": 1}, {"a": 1, "b": 1}),
        Probe({**OPEN, "maxProperties": 1}, {"a": ""}, {"a": "", "b": 1}),
    ],
    "dependentRequired": [Probe({**OPEN, "dependentRequired": {"a": ["b"]}}, {"a": "", "b": 1}, {"a": ""})],
    "dependentSchemas": [
        Probe({**OPEN, "dependentSchemas": {"a": {"required": ["b"]}}}, {"a": "", "b": 1}, {"a": ""}),
    ],
    "dependencies": [Probe({**OPEN, "dependencies": {"a": ["b"]}}, {"a": "", "b": 1}, {"a": ""})],
    "unevaluatedProperties": [
        Probe({"allOf": [OPEN], "unevaluatedProperties": False}, {"a": ""}, {"b": ""}),
        Probe({"anyOf": [OPEN, {"type": "object"}], "unevaluatedProperties": False}, {"a": ""}, {"b": ""}),
    ],
    # --- where schemas are found
    "$schema": [
        *(Probe({"$id": "https://example.org/probe", "$schema": each.uri}, 1, only=each) for each in MEANT),
        Probe({"$id": "https://example.org/probe", "$schema": "http://json-schema.org/draft-03/schema#"}),
    ],
    "$id": [Probe({"$id": "https://example.org/probe", **STRING}, "a")],
    "id": [Probe({"id": "https://example.org/probe", **STRING}, "a")],
    "$anchor": [Probe({"$anchor": "probe", **STRING}, "a")],
    "$dynamicAnchor": [Probe({"$dynamicAnchor": "probe", **STRING}, "a")],
    "$recursiveRef": [Probe({"$recursiveRef": "#"})],
    "$recursiveAnchor": [Probe({"$recursiveAnchor": True})],
    "$vocabulary": [Probe({"$vocabulary": {}, **STRING}, "a")],
    "$defs": [Probe({"$defs": {"Inner": STRING}, **STRING}, "a")],
    "definitions": [Probe({"definitions": {"Inner": STRING}, **STRING}, "a")],
    # --- what is said to people, and to the generator
    **{
        keyword: [Probe({**STRING, keyword: argument}, "a")]
        for keyword, argument in {
            **dict.fromkeys(sorted(DOCUMENTATION), "a"),
            **dict.fromkeys(("deprecated", "readOnly", "writeOnly"), True),
            **{keyword: dict[str, Json]() for keyword in ("discriminator", "externalDocs", "xml")},
            "examples": ["a"],
            "x-…": "a",
        }.items()
    },
    HINTS: [
        Probe({**CLOSED, HINTS: {"base": "Message", "template": "{a}"}}, {"a": "", "@type": "Probe"}),
        Probe({**STRING, HINTS: {"template": "{a}"}}),
    ],
    "nullable": [Probe({**STRING, "nullable": True})],
}

_numbers = count()


def write(folder: Path, probe: Probe, dialect: Dialect) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"probe_{next(_numbers)}.schema.json"
    schema = {"$schema": dialect.uri, "$defs": {"Probe": probe.schema, **probe.others}}
    path.write_text(json.dumps(schema), encoding="utf-8")
    return path


def load(schema: Path) -> ModuleType:
    """Import what is generated from a file, without formatting it."""
    module = ModuleType(schema.name.partition(".")[0])
    sys.modules[module.__name__] = module
    try:
        exec(emit(module_of(read_bundle([schema])), sources=[schema.name], command="command"), vars(module))
    finally:
        del sys.modules[module.__name__]
    return module


def accepts(module: ModuleType, value: Json) -> bool:
    """Whether a value is of the type `Probe`; what is must come back equal."""
    data = json.dumps(value)
    try:
        decoded = module.decode(data, module.Probe)
    except DecodeError:
        return False
    assert json.loads(module.encode(decoded)) == value
    return True


def fits(form: object, value: Json) -> bool:
    """Whether msgspec alone takes a value for a type."""
    try:
        msgspec.json.decode(json.dumps(value), type=form)
    except msgspec.ValidationError:
        return False
    return True


def refusal(problem: GenerationError, keyword: str) -> None:
    """See that a refusal names the keyword, its place, and what to write."""
    assert any(each.keyword == keyword and each.remedy and each.line for each in problem.problems), str(problem)


def is_unknown(keyword: str, dialect: Dialect) -> bool:
    """Whether a dialect has no such keyword."""
    return keyword == "nullable" or (keyword in KNOWN and not knows(dialect, keyword))


def outcome(folder: Path, keyword: str, probe: Probe, dialect: Dialect) -> str:
    """What becomes of a keyword."""
    path = write(folder, probe, dialect)
    if is_unknown(keyword, dialect):
        alone = Probe({keyword: probe.schema[keyword]}, others=probe.others)
        path = write(folder, alone, dialect)
        assert keyword in {each.keyword for each in read_bundle([path]).warnings}
        assert all(accepts(load(path), each) for each in (probe.good, probe.bad, None) if each is not NOTHING)
        return IGNORED
    try:
        module = load(path)
    except GenerationError as error:
        refusal(error, keyword)
        assert probe.good is NOTHING, f"{keyword} is refused: {error}"
        return REFUSED
    assert probe.good is not NOTHING, f"{keyword} is not refused: {json.dumps(probe.schema)}"
    assert accepts(module, probe.good)
    if keyword == HINTS:
        return HINT
    if probe.bad is NOTHING:
        return PLACE if keyword in IDENTITY else NOTE
    assert not accepts(module, probe.bad)
    left = Probe({key: value for key, value in probe.schema.items() if key != keyword}, others=probe.others)
    assert accepts(load(write(folder, left, dialect)), probe.bad), f"it is not {keyword} that refuses it"
    model = module_of(read_bundle([path]))
    if "Probe" in model.loose or not fits(module.Probe, probe.good):
        return CHECKED
    assert not fits(module.Probe, probe.bad)
    return TYPES


def outcomes(folder: Path, keyword: str, dialect: Dialect) -> str:
    """What becomes of a keyword in all schemas that use it, as the table says it."""
    probes = [each for each in PROBES[keyword] if each.only in {None, dialect}]
    found = {outcome(folder, keyword, each, dialect) for each in probes}
    return ", ".join(each for each in ORDER if each in found)


@dataclass(frozen=True)
class Row:
    """What the guide says of a keyword."""

    by_dialect: tuple[str, ...]
    remark: str


def cells_of(heading: str) -> Iterator[list[str]]:
    """The rows of the table of the guide whose heading begins with some cells."""
    lines = iter(PAGE.splitlines())
    for line in lines:
        if line.startswith(heading):
            break
    next(lines, None)
    for line in lines:
        if not line.startswith("|"):
            break
        yield [cell.strip() for cell in line.strip().strip("|").split("|")]


def table() -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for names, *by_dialect, remark in cells_of("| keyword | 2020-12 | draft-07 |"):
        for name in re.findall(r"`([^`]+)`", names):
            assert name not in rows, f"{name} is there twice"
            rows[name] = Row(tuple(by_dialect), remark)
    return rows


def test_every_keyword_is_in_the_table_and_tried() -> None:
    assert table().keys() == KNOWN | NOT_OF_A_DIALECT
    assert PROBES.keys() == KNOWN | NOT_OF_A_DIALECT


@pytest.mark.parametrize("keyword", sorted(KNOWN | NOT_OF_A_DIALECT))
def test_g2_the_table_says_what_becomes_of_a_keyword(keyword: str, tmp_path: Path) -> None:
    found = tuple(outcomes(tmp_path, keyword, dialect) for dialect in MEANT)
    assert table()[keyword].by_dialect == found


@pytest.mark.parametrize("keyword", sorted(KNOWN | NOT_OF_A_DIALECT))
def test_the_table_names_what_to_write_instead(keyword: str, tmp_path: Path) -> None:
    remark = table()[keyword].remark
    for dialect in MEANT:
        for probe in PROBES[keyword]:
            if probe.only not in {None, dialect} or (probe.good is not NOTHING and knows(dialect, keyword)):
                continue
            try:
                problems = read_bundle([write(tmp_path, probe, dialect)]).warnings
            except GenerationError as error:
                problems = error.problems
            remedies = [each.remedy for each in problems if each.keyword == keyword]
            named = {word for each in remedies for word in re.findall(r'"([$\w]+)"', each)} & KNOWN
            missing = {word for word in named - {"$schema"} if f"`{word}`" not in remark and word != keyword}
            assert not missing, f"{keyword}: {remark!r} does not name {missing}"


@pytest.mark.parametrize("keyword", sorted(name for name in ASSERTIONS if knows(DRAFT_2020_12, name)))
def test_g4_diff_tells_that_a_keyword_is_new(keyword: str, tmp_path: Path) -> None:
    for probe in PROBES[keyword]:
        if probe.bad is NOTHING or probe.only not in {None, DRAFT_2020_12}:
            continue
        old = replace(probe, schema={key: value for key, value in probe.schema.items() if key != keyword})
        before, after = (read_bundle([write(tmp_path, each, DRAFT_2020_12)]) for each in (old, probe))
        assert any("readers" in change.concerns for change in compare(before, after)), json.dumps(probe.schema)


def beside(what: str) -> tuple[list[str], list[str]]:
    """What the second table says is read, and refused."""
    (found,) = [row for row in cells_of("| what | read | refused |") if row[0] == f"`{what}`"]
    read, refused = (re.findall(r"`([^`]+)`", cell) for cell in found[1:])
    return read, refused


def test_the_guide_names_the_dialects(tmp_path: Path) -> None:
    read, refused = beside("$schema")
    assert read == [each.name for each in DIALECTS]
    for name in refused:
        path = tmp_path / "any.schema.json"
        path.write_text(json.dumps({"$schema": f"http://json-schema.org/{name}/schema#"}), encoding="utf-8")
        with pytest.raises(GenerationError) as caught:
            generate([path], tmp_path / "types.py")
        refusal(caught.value, "$schema")


def test_the_guide_names_the_formats() -> None:
    assert beside("format")[0] == [*FORMATS]


@pytest.mark.parametrize(
    ("reference", "is_read"),
    [*((each, True) for each in beside("$ref")[0]), *((each, False) for each in beside("$ref")[1])],
)
def test_g3_the_guide_says_which_references_are_read(reference: str, *, is_read: bool, tmp_path: Path) -> None:
    folder = tmp_path / "schemas"
    folder.mkdir()
    (tmp_path / "outside.json").write_text("{}", encoding="utf-8")
    word = {"$defs": {"Inner": {"type": "null"}}, "type": "string"}
    (folder / "other.schema.json").write_text(json.dumps(word), encoding="utf-8")
    schema = {
        "$defs": {
            "Probe": {"type": "array", "items": {"$ref": reference}},
            "Word": {"$anchor": "word", "type": "boolean"},
            "Named": {"$id": "https://example.org/word", "type": "string"},
            "Sentence": {"type": "object", "properties": {"word": {"enum": ["a"]}}},
            **({"Endless": {"$ref": "#/$defs/Endless"}} if reference.endswith("/Endless") else {}),
        },
        "definitions": {"Word": {"type": "boolean"}},
    }
    (folder / "probe.schema.json").write_text(json.dumps(schema), encoding="utf-8")
    if is_read:
        generate([folder], tmp_path / "types.py")
    else:
        with pytest.raises(GenerationError) as caught:
            generate([folder], tmp_path / "types.py")
        refusal(caught.value, "$ref")


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.uri)
def test_one_point_zero_is_an_integer_in_every_dialect(tmp_path: Path, dialect: Dialect) -> None:
    """For draft-04 alone it is none; the page says why types accept it."""
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"$schema": dialect.uri, "definitions": {"A": {"type": "integer"}}}), encoding="utf-8")
    module = ModuleType("of_integers")
    exec(generate([path], tmp_path / "made.py"), vars(module))
    assert module.decode("1.0", module.A) == 1
    with pytest.raises(DecodeError):
        module.decode("1.5", module.A)
    assert "for draft-04 alone, `1.0` is no `integer`" in PAGE

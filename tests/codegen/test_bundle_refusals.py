"""What cannot be read is refused by name with its place and what to write (G2), all of it in one run; strangers' files
do no harm (G3)."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given, strategies as st
from syrupy.assertion import SnapshotAssertion

from miniagents.codegen import GenerationError
from miniagents.codegen.reading.bundle import Bundle, read_bundle
from miniagents.codegen.reading.dialects import DRAFT_04, DRAFT_06, DRAFT_07, DRAFT_2019_09, DRAFT_2020_12
from miniagents.codegen.settings import USUAL, Reading, Settings
from tests.effort import examples

Json = Any  # Any: any JSON
Read = Callable[..., Bundle]
Refusals = Callable[..., list[str]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a file given as JSON or text, with others beside it."""

    def read(schema: Json, name: str = "a.schema.json", settings: Settings = USUAL, **others: Json) -> Bundle:
        for each, value in {name: schema, **{f"{key}.schema.json": value for key, value in others.items()}}.items():
            text = value if isinstance(value, str) else json.dumps(value, indent=1)
            (tmp_path / each).write_text(text, encoding="utf-8")
        return read_bundle([tmp_path], settings=settings)

    return read


@pytest.fixture
def refusals(read: Read, tmp_path: Path) -> Refusals:
    """Give what is said about a file that is refused."""

    def refuse(schema: Json, name: str = "a.schema.json", settings: Settings = USUAL, **others: Json) -> list[str]:
        with pytest.raises(GenerationError) as caught:
            read(schema, name, settings, **others)
        assert all(str(problem).isprintable() for problem in caught.value.problems)
        return [str(problem).replace(f"{tmp_path.as_posix()}/", "") for problem in caught.value.problems]

    return refuse


WRONG: Final[dict[str, Json]] = {
    "type": ["text", "float", ["string", "string"], [], 1, "any"],
    "enum": [1],
    "required": [True, ["a", "a"], [1], "a"],
    "properties": [[], {"a": 5}],
    "allOf": [[], {}, [1]],
    "items": [[True], 1],
    "not": ["a"],
    "minLength": [-1, 1.5, "1", True],
    "minimum": ["1", None],
    "multipleOf": [0, -1],
    "exclusiveMinimum": [True],
    "pattern": [1, "(?<n>a)(?i)", "["],
    "patternProperties": [{"[": True}, []],
    "dependentRequired": [{"a": ["b", "b"]}, {"a": 1}, []],
    "$anchor": ["1 a", 5],
    "$id": ["#a", 5],
    "$ref": [5],
    "$defs": [[]],
    "description": [1],
    "examples": [1],
    "uniqueItems": [1],
    "default": [],
    "x-miniagents": [{"name": "no_class"}, {"base": "Nothing"}, {"base": "#/$defs/Nothing"}],
}


def test_g2_what_is_no_schema_is_refused(refusals: Refusals, snapshot: SnapshotAssertion) -> None:
    schemas = {
        f"{keyword.strip('$')}-{index}": {keyword: value}
        for keyword, values in WRONG.items()
        for index, value in enumerate(values)
    }
    assert refusals({"$defs": schemas, "$schema": DRAFT_2020_12.uri}) == snapshot


def test_g5_documentation_that_is_none_is_left_out_and_told(read: Read) -> None:
    """It refuses no value, so it refuses no file either, unless the user asks for it."""
    wrong: Json = {"examples": "a", "description": 2, "title": None, "deprecated": "soon"}
    schema = {"$defs": {"A": {"type": "string", **wrong, "$comment": "right"}, "B": {"$ref": "#/$defs/A", **wrong}}}
    bundle = read(schema)
    assert bundle.definitions["A"].schema == {"type": "string", "$comment": "right"}
    assert bundle.definitions["B"].schema == {"$ref": "#/$defs/A"}
    assert sorted(each.keyword for each in bundle.warnings) == sorted(wrong)
    assert all("(2 times)" in each.wrong for each in bundle.warnings)
    with pytest.raises(GenerationError) as caught:
        read(schema, settings=Settings(reading=Reading(strict_keywords=True)))
    assert len(caught.value.problems) == 2 * len(wrong)


KEYWORDS: Final = (
    *("propertes", "requried", "minlength", "anyof", "ref", "$def", "enums", "id", "additionalProprties", "item"),
    *("nullable", "x-whatever", "note", "nor", "whatever", "X-Miniagents", "x-miniagent"),
)


STRICT: Final = Settings(reading=Reading(strict_keywords=True))


def test_g2_keywords_of_no_or_another_dialect_are_refused_if_asked(
    refusals: Refusals, read: Read, snapshot: SnapshotAssertion
) -> None:
    newest: Json = {"$schema": DRAFT_2020_12.uri}
    newest["$defs"] = {f"A{place}": {keyword: True} for place, keyword in enumerate(KEYWORDS)}
    newest["$defs"] |= {"B": {"dependencies": {}}, "C": {"additionalItems": {}}, "D": {"$recursiveRef": "#"}}
    older: Json = {
        "A": {"$anchor": "a"},
        "B": {"prefixItems": [True]},
        "C": {"if": {}},
        "D": {"unevaluatedProperties": False},
        "E": {"exclusiveMinimum": True, "minimum": 3},
        "F": {"exclusiveMaximum": False},
        "G": {"dependentRequired": {}},
        "H": {"required": True},
        "I": {"$ref": "#/definitions/A", "propertes": "ignored as a sibling"},
    }
    recent = {"RA": {"$dynamicRef": "#"}, "RB": {"contains": True, "unevaluatedItems": False}}
    assert (
        refusals(
            newest,
            settings=STRICT,
            b={"$schema": DRAFT_06.uri, "definitions": older},
            c={"$schema": DRAFT_2019_09.uri, "$defs": recent},
            d={"$schema": DRAFT_04.uri, "definitions": {"O": {"const": 1, "propertyNames": {}, "$id": "o"}}},
            x={"$schema": "https://example.com/mine"},
            y={"properties": {"a": {"$schema": DRAFT_07.uri}}},
            g="[]",
        )
        == snapshot
    )


def test_keywords_of_no_or_another_dialect_are_annotations_and_told_once(
    read: Read, snapshot: SnapshotAssertion, tmp_path: Path
) -> None:
    newest: Json = {f"A{place}": {keyword: True} for place, keyword in enumerate(KEYWORDS[:-2])}
    again: Json = {"A": {"enums": [1]}, "B": {"items": {"enums": [1], "note": 1}}}
    older: Json = {"O": {"const": 1, "$defs": {}, "dependentRequired": {"a": ["b"]}, "exclusiveMinimum": 1}}
    files: Json = {"d": {"$schema": DRAFT_04.uri, "definitions": older}, "e": {"$defs": again}}
    bundle = read({"$schema": DRAFT_2020_12.uri, "$defs": newest}, **files)
    assert [str(each).replace(f"{tmp_path.as_posix()}/", "") for each in bundle.warnings] == snapshot
    assert bundle.definitions["O"].schema == {"exclusiveMinimum": 1}
    silent = Settings(reading=Reading(ignored_keywords=frozenset((*KEYWORDS, "const", "dependentRequired"))))
    said = " ".join(map(str, read({"$defs": newest}, settings=silent, **files).warnings))
    assert "as in draft-06" in said
    assert "ignore-keyword" not in said
    strict = Settings(reading=Reading(strict_keywords=True, ignored_keywords=frozenset({"enums", "note"})))
    assert not read({"$defs": {"A": {"enums": [], "note": 1, "x-mine": 1}}}, settings=strict, d=True, e=True).warnings


REFERENCES: Final = (
    *(
        "http://example.com/a",
        "file:///etc/passwd",
        "../../etc/passwd",
        "/etc/passwd",
        "b.schema.json/",
        "//x",
        "http://[",
    ),
    *(
        "#/nowhere",
        "#/properties",
        "#/properties/0/enum",
        "#/properties/0/enum/0",
        "#nowhere",
        "#/",
        "#/$defs/~2",
        "#/%",
    ),
    *("b.schema.json#/$defs/B", "b.schema.json#b", "miniagents:Nothing", "miniagents:", "urn:x", "\0", "a\nb\x1b[31m"),
)


def test_g3_references_to_what_was_not_given_are_refused(refusals: Refusals, snapshot: SnapshotAssertion) -> None:
    schema: Json = {"properties": {}}
    schema["properties"] = {str(place): {"enum": [{}], "$ref": each} for place, each in enumerate(REFERENCES)}
    assert refusals(schema, b={"type": "null"}) == snapshot


def test_g3_references_without_end_are_refused(refusals: Refusals, snapshot: SnapshotAssertion) -> None:
    definitions: Json = {
        "A": {"$ref": "#/$defs/A"},
        "B": {"anyOf": [{"type": "null"}, {"allOf": [{"$ref": "#/$defs/C"}]}]},
        "C": {"dependentSchemas": {"c": {"$ref": "#/$defs/B"}}},
        "D": {"items": {"$ref": "#/$defs/D"}, "then": {"$ref": "#/$defs/D"}},
        **{f"E{place}": {"not": {"$ref": f"#/$defs/E{(place + 1) % 9}"}} for place in range(9)},
    }
    assert refusals({"$defs": definitions}) == snapshot


def test_g2_two_of_one_name_are_refused(refusals: Refusals, snapshot: SnapshotAssertion) -> None:
    assert (
        refusals(
            {"$id": "urn:a", "$defs": {"a-b": {"type": "null"}, "a_b": {"type": "string"}, "C": {"$anchor": "c"}}},
            b={"$id": "urn:a", "$defs": {"AB": True, "D": {"$anchor": "x"}, "E": {"$anchor": "x"}}},
        )
        == snapshot
    )


YAML: Final = (
    "a: &a [1]\nb: *c\n",
    "a: &a [*a]\n",
    "a: !!binary aGk=\nb: !mine 1\nc: !!python/object:os.system {}\n",
    "404: {}\non: {}\ntrue: {}\n~: {}\n2.5: {}\n",
    "? [a]\n: 1\n",
    "a: &a 1\n<<: [*a, {}]\n",
    "<<: {}\n<<: {}\n",
    "type: object\ntype: string\n",
    "enum: [.inf, -.INF, .nan]\n",
    "a: 1e999\n",
    "a: [\n",
    "a: \x01\n",
    "a\n--- \nb\n",
    "",
    "properties:\n  a:\n    type: strin\n",
    "a: 'x\n",
    "&a " * 3 + "b",
    "$defs:\n  A: &a {type: strin}\n  B: *a\n",
)


@pytest.mark.parametrize("text", YAML)
def test_g3_yaml_that_is_no_json_is_refused(refusals: Refusals, snapshot: SnapshotAssertion, text: str) -> None:
    assert refusals(text, "a.schema.yaml") == snapshot


@pytest.mark.parametrize("name", ["a.schema.json", "a.schema.yaml"])
def test_g3_depth_is_refused_before_it_hurts(refusals: Refusals, read: Read, name: str) -> None:
    for opened, closed in (('{"not":', "}"), ('{"properties":{"a":', "}}"), ('{"allOf":[', "]}")):
        for depth in (200, 10_000):
            (said,) = refusals(opened * depth + "{}" + closed * depth, name)
            assert "nested deeper than 128 levels" in said
        assert read(opened * 60 + "{}" + closed * 60, name).definitions
    deep = sys.getrecursionlimit()
    assert "nesting" in refusals("[" * deep * 100, name)[0]


def test_g3_aliases_that_laugh_are_refused(refusals: Refusals, read: Read) -> None:
    lines = ["a0: &a0 [x]", *(f"a{place}: &a{place} [{','.join([f'*a{place - 1}'] * 10)}]" for place in range(1, 30))]
    assert "aliases repeat more than 100000 values" in refusals("\n".join(lines), "a.schema.yaml")[0]
    assert read("\n".join(lines[:4]), "a.schema.yaml").definitions


def test_g3_merge_keys_that_laugh_are_refused(refusals: Refusals, read: Read) -> None:
    lines = [
        "$defs:\n a0: &a0 {x0: 1}",
        *(
            f" a{place}: &a{place}\n  p{place}: {{<<: *a{place - 1}}}\n  q{place}: {{<<: *a{place - 1}}}"
            for place in range(1, 30)
        ),
    ]
    assert "aliases repeat more than 100000 values" in refusals("\n".join(lines), "a.schema.yaml")[0]
    assert read("\n".join(lines[:10]), "a.schema.yaml").definitions


def test_g3_chains_of_references_are_followed(read: Read, refusals: Refusals) -> None:
    chain: Json = {f"A{place}": {"$ref": f"#/$defs/A{place + 1}"} for place in range(10_000)}
    assert len(read({"$defs": {**chain, "A10000": {}}}).definitions) == 10_001
    (said,) = refusals({"$defs": {**chain, "A10000": {"$ref": "#/$defs/A0"}}})
    assert said.endswith(
        "refers to itself without end: A0 -> A1 -> A2 -> A3 -> A4 -> … -> A0; put an object with a property between"
    )
    places = "".join(f"/a{place}" for place in range(100))
    assert refusals({"$defs": {"A": {"$ref": f"#{places}"}}})


def test_g3_megabytes_are_read_in_seconds(read: Read) -> None:
    values = [f"a value with the number {place}" for place in range(300_000)]
    bundle = read({"$defs": {"A": {"enum": values}, "B": {"required": values}}})
    assert bundle.definitions["A"].schema == {"enum": values}


HOSTILE: Final = (
    *('"""\nimport os', "\\", "\x00\x1b[31m\u202e", "__class__", "None", "", " ", "#", "/", "~", "%", "\u2028", "'''"),
    *("{}", "a" * 3000, "İ", "ß", "ﬁ", "²", "𐄇", "e\u0301", "\u0301", "🎉", "\u0661", "a\u00b7"),
)


@pytest.mark.parametrize("text", HOSTILE)
def test_g3_any_text_can_be_a_key(read: Read, text: str) -> None:
    steps = text.replace("~", "~0").replace("/", "~1").replace("%", "%25")
    schema = {"$defs": {text: {"title": text, "const": text, "properties": {text: {"$ref": f"#/$defs/{steps}"}}}}}
    ((name, definition),) = read(schema).definitions.items()
    assert name.isidentifier()
    assert definition.schema == {"title": text, "const": text, "properties": {text: {"$ref": f"#/$defs/{name}"}}}


WORDS: Final = (
    *(
        "type",
        "properties",
        "items",
        "$ref",
        "$defs",
        "definitions",
        "$id",
        "$anchor",
        "$schema",
        "allOf",
        "not",
        "enum",
    ),
    *(
        "$dynamicRef",
        "$dynamicAnchor",
        "$recursiveRef",
        "$recursiveAnchor",
        "dependencies",
        "pattern",
        "required",
        "then",
    ),
    *("x-miniagents", "base", "name", "patternProperties", "minLength", "additionalItems", "contains", "nullable", "A"),
    *("id", "exclusiveMinimum", "minimum", "discriminator"),
)
LEAVES: Final = (
    *(
        None,
        True,
        False,
        0,
        -1,
        2.5,
        10**30,
        "",
        "#",
        "#/$defs/A",
        "A",
        "Message",
        "miniagents:Message",
        "object",
        "^a$",
    ),
    *(
        "http://x/y",
        "a.schema.json",
        "#a",
        "a",
        "[",
        "urn:x",
        DRAFT_07.uri,
        DRAFT_2019_09.uri,
        DRAFT_04.uri,
        "\x1b",
        "\ud800",
        "%ZZ",
    ),
)


@examples(300)
@given(seed=st.integers(0, 2**64))
def test_g3_any_json_gives_definitions_or_refusals(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    random = Random(seed)

    def anything(depth: int) -> Json:
        kind = random.random() if depth else 0
        if kind < 0.25:
            return random.choice(LEAVES)
        if kind < 0.4:
            return [anything(depth - 1) for _ in range(random.randrange(3))]
        return {random.choice(WORDS): anything(depth - 1) for _ in range(random.randrange(1, 5))}

    folder = tmp_path_factory.mktemp("any")
    for name in ("a.schema.json", "b.schema.json", "c.schema.yaml"):
        (folder / name).write_text(json.dumps(anything(5)), encoding="utf-8")
    try:
        definitions = read_bundle([folder]).definitions
    except GenerationError as error:
        assert all(str(problem).isprintable() for problem in error.problems)
    else:
        assert all(name.isidentifier() for name in definitions)

"""Names, overlays, references and YAML from strangers: data or one clear refusal each, never code, a crash, or a look
at a file or a URL that nobody named (G3)."""

import json
import os
import socket
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NoReturn, TypeAlias

import pytest

from miniagents import DecodeError
from miniagents.codegen import GenerationError, generate
from miniagents.codegen.reading.bundle import read_bundle
from miniagents.codegen.settings import Reading, Settings
from miniagents.validation import UnsupportedSchemaError, Validator

Json: TypeAlias = Any  # Any: whatever JSON can say
Files: TypeAlias = dict[str, Json]
Run = Callable[..., dict[str, Any]]  # Any: whatever a module holds
Refused = Callable[..., list[str]]

LONG: Final = "a" * 100_000
MOST: Final = 4000
"""More characters than a refusal may have."""

NAMES: Final = (
    *(
        '"""\nimport os\nos.abort()\n"""',
        "'''\nraise SystemExit\n'''",
        "x\n\nraise SystemExit",
        "x\r\nraise SystemExit",
    ),
    *(
        '__import__("os").abort()',
        "{__import__('os').abort()}",
        "\\",
        '\\"',
        "\u2028raise SystemExit",
        "\x00",
        "\u202e",
    ),
    *("class", "None", "match", "type", "__class__", "__init__", "__slots__", "__post_init__", "__struct_fields__"),
    *("self", "msgspec", "Record", "decode", "str", "tuple", "\ufb01", "\u212a", "\U0001d41c\U0001d425ass", LONG),
    *("9" * 5000, "", " ", "..", "/", "~", "%", "#"),
)
THING: Final = {"type": "object", "properties": {"x": {"type": "string"}}}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Files], list[Path]]:
    def write(files: Files) -> list[Path]:
        for name, value in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        return [tmp_path / name for name in files if "." in name and not name.startswith("hints")]

    return write


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every attempt to reach a network fail the test."""

    def refuse(*arguments: object) -> NoReturn:
        pytest.fail(f"the network was used: {arguments}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def run(write: Callable[[Files], list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Generate a module for files, and run it."""

    def run(files: Files, **choices: Json) -> dict[str, Any]:
        paths = write(files)
        hints = [tmp_path / name for name in files if name.startswith("hints")]
        text = generate(paths, tmp_path / "made.py", overlays=hints, **choices)
        assert text.encode()
        module = ModuleType(f"{__name__}.made")
        monkeypatch.setitem(sys.modules, module.__name__, module)  # where msgspec looks for the names in annotations
        exec(compile(text, "made.py", "exec"), vars(module))
        return vars(module)

    return run


@pytest.fixture
def refused(run: Run, tmp_path: Path) -> Refused:
    """Give what is said about files that are refused, each in one short line."""

    def refuse(files: Files, **choices: Json) -> list[str]:
        with pytest.raises(GenerationError) as caught:
            run(files, **choices)
        said = [str(each).replace(f"{tmp_path.as_posix()}/", "") for each in caught.value.problems]
        assert all(each.isprintable() and len(each) < MOST for each in said)
        return said

    return refuse


# --- names ---


def places(name: str) -> dict[str, tuple[Files, dict[str, Json]]]:
    """Give files that use a name in each place where a name can be."""
    thing = {"type": "object", "properties": {name: {"type": "string"}}, "additionalProperties": False}
    answer = {"content": {name: {"schema": thing}}}
    operation = {
        "operationId": name,
        "parameters": [{"name": name, "in": "query", "schema": thing}],
        "responses": {name: answer, "200": {"content": {"application/json": {"schema": thing}}}},
    }
    return {
        "definition": ({"a.json": {"$defs": {name: thing}}}, {}),
        "identity": (
            {
                "a.json": {
                    "$id": f"https://example.org/{name}",
                    **thing,
                    "$defs": {"B": {"$id": f"urn:{name}", **thing}},
                }
            },
            {},
        ),
        "relative identity": ({"a.json": {"$id": name, "$defs": {"A": thing}}}, {}),
        "place": ({"a.json": {"$defs": {"A": {"properties": {name: {**THING, "title": name}}}}}}, {}),
        "unknown keyword": (
            {"a.json": {"$defs": {"A": {"$ref": f"#/$defs/B/z/{step(name)}"}, "B": {"z": {name: THING}}}}},
            {},
        ),
        "operation": (
            {
                "a.json": {
                    "openapi": "3.1.0",
                    "info": {"title": name, "version": name},
                    "paths": {f"/{name}": {"get": operation}},
                }
            },
            {"operations": True},
        ),
        "namespace": ({"a.json": {"$defs": {"A": thing}}}, {"namespace": name}),
        "overlay": (
            {"a.json": {"$defs": {"A": THING}}, "hints.json": {"#/$defs/A": {"description": name, "name": "B"}}},
            {},
        ),
    }


def step(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1").replace("%", "%25")


@pytest.mark.parametrize("place", places(""))
@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name[:20]))
def test_g3_a_name_is_data_wherever_it_stands(run: Run, place: str, name: str) -> None:
    files, choices = places(name)[place]
    try:
        module = run(files, **choices)
    except GenerationError as error:
        said = [str(each) for each in error.problems]
        assert place in {"identity", "relative identity"} or not name  # anything can be a name, but no identity
        assert all(each.isprintable() and len(each) < MOST for each in said)
        return
    types = {key for key in module["__all__"] if key not in {"decode", "encode"}}
    assert types
    assert all(each.isidentifier() and each == unicodedata.normalize("NFKC", each) for each in types)
    if place == "definition":
        (only,) = types
        text = json.dumps({name: "y"})
        value = module["decode"](text, module[only])
        assert json.loads(module["encode"](value)) == {name: "y"}


@pytest.mark.parametrize("name", [each for each in NAMES if each != LONG], ids=lambda name: ascii(name[:20]))
@pytest.mark.parametrize("entry", ["name", "field", "pointer", "file", "base", "member"])
def test_g3_names_in_overlays_are_taken_or_refused(run: Run, entry: str, name: str) -> None:
    overlay: dict[str, Json] = {
        "name": {"#/$defs/A": {"name": name}},
        "field": {"#/$defs/A/properties/x": {"x-miniagents": {"field": name}}},
        "pointer": {f"#/$defs/{name}": {"name": "B"}},
        "file": {f"{name}#/$defs/A": {"name": "B"}},
        "base": {"#/$defs/A": {"x-miniagents": {"base": name}}},
        "member": {"#/$defs/A": {name: name}},
    }
    try:
        module = run({"a.json": {"$defs": {"A": THING}}, "hints.json": overlay[entry]})
    except GenerationError as error:
        assert all(str(each).isprintable() and len(str(each)) < MOST for each in error.problems)
    else:
        assert entry in {"name", "field", "base", "file"}
        (only,) = {*module["__all__"]} - {"decode", "encode"}
        assert json.loads(module["encode"](module["decode"]('{"x": "y"}', module[only]))) == {"x": "y"}


@pytest.mark.parametrize("name", [each for each in NAMES if each and len(each) < 100 and not {*each} & {"/", "\0"}])
def test_g3_a_file_may_have_any_name(run: Run, name: str) -> None:
    module = run({f"{name}.schema.json": THING})
    (only,) = {*module["__all__"]} - {"decode", "encode"}
    assert json.loads(module["encode"](module["decode"]('{"x": "y"}', module[only]))) == {"x": "y"}


def test_g3_a_file_name_may_hold_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"a\xff.schema.json")
    try:
        path.write_text(json.dumps(THING), encoding="utf-8")
    except OSError:
        pytest.skip("this file system has only names that are text")
    for given in (path, tmp_path):
        text = generate([given], tmp_path / "made.py", base_url="https://example.org/")
        assert text.encode()


@pytest.mark.filterwarnings("ignore:.*is also the name of:UserWarning")
@pytest.mark.parametrize(
    ("one", "other"),
    [("\ufb01", "fi"), ("\u212a", "K"), ("e\u0301", "\xe9"), ("class", "class_"), ("__a", "a"), ("a-b", "a_b")],
)
def test_g3_names_that_python_cannot_tell_apart_stay_apart(run: Run, one: str, other: str) -> None:
    both = {one: {"const": 1}, other: {"const": 2}}
    module = run({"a.json": {"$defs": {"T": {"type": "object", "properties": both}, **both}}})
    text = json.dumps({one: 1, other: 2})
    assert json.loads(module["encode"](module["decode"](text, module["T"]))) == json.loads(text)
    assert len({*module["__all__"]} - {"T", "decode", "encode"}) == 2


@pytest.mark.parametrize(
    "schema",
    [
        {"$defs": {"SURROGATE": THING}},
        {"$id": "urn:SURROGATE"},
        {"$defs": {"A": {"properties": {"SURROGATE": True}}}},
        {"$defs": {"A": {"$ref": "#/$defs/SURROGATE"}}},
    ],
)
def test_g3_half_of_a_surrogate_pair_is_refused(refused: Refused, schema: Json) -> None:
    text = json.dumps(schema).replace("SURROGATE", "\\ud800")
    assert any("half of a surrogate pair" in each for each in refused({"a.json": text}))
    overlay = '{"#/$defs/A": {"description": "\\udc00"}}'
    assert "hints.json:1: " in refused({"a.json": {"$defs": {"A": THING}}, "hints.json": overlay})[0]


# --- overlays ---

HOSTILE_OVERLAYS: Final[dict[str, tuple[Json, str]]] = {
    "deep": ("[" * 100_000, "nesting: nested deeper than"),
    "deep hint": ('{"#/$defs/A":{"x-miniagents":' + '{"a":' * 200 + "1" + "}" * 202, "nested deeper than"),
    "long pointer": ({"#" + "/a" * 100_000: {}}, "there is nothing at #/a/a"),
    "long file": ({f"{LONG}#/$defs/A": {}}, "is none of the given files"),
    "long number": ({"#/$defs/A/allOf/" + "9" * 10_000: {}}, "there is nothing at #/$defs/A/allOf/999"),
    "other digits": ({"#/$defs/A/allOf/\u0660": {}}, "there is nothing at #/$defs/A/allOf/"),
    "below zero": ({"#/$defs/A/allOf/-1": {}}, "there is nothing at"),
    "outside": ({"../../../../etc/passwd#/$defs/A": {}}, "../../../../etc/passwd is none of the given files"),
    "absolute": ({"/etc/passwd#": {}}, "/etc/passwd is none of the given files"),
    "file URL": ({"file:///etc/passwd#/$defs/A": {}}, "file:///etc/passwd is none of the given files"),
    "web URL": ({"http://127.0.0.1:9/a.json#": {}}, "http://127.0.0.1:9/a.json is none of the given files"),
    "no URL": ({"http://[::1#/$defs/A": {}}, "http://[::1 is none of the given files"),
    "base": ({"#/$defs/A": {"x-miniagents": {"base": "os:system"}}}, "nothing is fetched"),
    "twice": ('{"#/$defs/A":{"name":"X"},"#/$defs/A":{"name":"Y"}}', "duplicate: the name is given twice"),
}


@pytest.mark.parametrize("case", HOSTILE_OVERLAYS)
def test_g3_a_hostile_overlay_is_refused(refused: Refused, case: str) -> None:
    overlay, said = HOSTILE_OVERLAYS[case]
    (problem,) = refused({"a.json": {"$defs": {"A": {"allOf": [THING]}}}, "hints.json": overlay})
    assert said in problem


def test_g3_yaml_in_an_overlay_runs_nothing(refused: Refused) -> None:
    overlay = "'#/$defs/A': !!python/object/apply:os.abort []"
    (said,) = refused({"a.json": {"$defs": {"A": THING}}, "hints.yaml": overlay})
    assert "JSON has no tag:yaml.org,2002:python/object/apply:os.abort; remove the tag" in said


def test_g3_a_huge_overlay_is_read(run: Run) -> None:
    many = {f"A{index}": {"type": "null"} for index in range(1000)}
    hints: Json = {f"#/$defs/{name}": {"name": f"B{name}"} for name in many}
    hints["#/$defs/A0"]["description"] = "x\n" * 500_000
    assert "BA999" in run({"a.json": {"$defs": many}, "hints.json": hints})["__all__"]


# --- references ---


@pytest.mark.parametrize(
    "reference",
    [
        *("file:///etc/passwd", "/etc/passwd", "../../../../../../etc/passwd#/a", "http://127.0.0.1:9/x.json"),
        *("https://example.org/x", "//example.org/x", "\\\\host\\x", "ftp://example.org/x", "data:application/json,{}"),
        *("http://[::1", "http://[x]/", "%00", "link.json", "x" * 100_000, "#/%ff", "#/$defs/" + "9" * 10_000),
        *("#/$defs/A/allOf/" + "9" * 10_000, "miniagents:os.system", "miniagents:" + "x" * 100_000),
    ],
    ids=lambda reference: ascii(reference[:30]),
)
def test_g3_nothing_is_fetched_that_nobody_named(refused: Refused, tmp_path: Path, reference: str) -> None:
    secret = tmp_path / "outside" / "secret.json"
    secret.parent.mkdir()
    secret.write_text(json.dumps({"title": "Secret", "type": "null"}), encoding="utf-8")
    (tmp_path / "link.json").symlink_to(secret)
    (said,) = refused({"a.json": {"$defs": {"A": {"allOf": [{"$ref": reference}]}}}})
    assert any(each in said for each in ("nothing is fetched", "there is nothing at", "the library has no type"))


def test_g3_folders_for_references_end_where_links_to_folders_begin(
    tmp_path: Path, write: Callable[[Files], list[Path]]
) -> None:
    write({"outside/x.json": {"$id": "https://example.org/x", "type": "null"}})
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "out").symlink_to(tmp_path / "outside", target_is_directory=True)
    (tmp_path / "inside" / "loop").symlink_to(tmp_path / "inside", target_is_directory=True)
    (path,) = write({"a.json": {"$defs": {"A": {"$ref": "https://example.org/x"}}}})
    with pytest.raises(GenerationError, match="nothing is fetched"):
        generate([path], tmp_path / "made.py", references={"": tmp_path / "inside"})


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"https://example.org/x": "file:///etc/passwd"}, "No such file or directory"),
        ({"https://example.org/x": "http://127.0.0.1:9/x"}, "No such file or directory"),
        ({"https://example.org/x": LONG}, "File name too long"),
        ({"https://example.org/x": "none\u202e\n.json"}, "No such file or directory"),
        ({"https://example.org/x": "\0"}, "is no URL with the name of a file"),
        ({"": "a.json"}, "is no URL with the name of a file"),
        ({"http://[::1": "a.json"}, "http://[::1 is no URL"),
        ({"http://[::1/": "."}, "http://[::1/ is no URL"),
        ([], "is no object of URLs and files"),
        ("[" * 100_000, "nested deeper than"),
    ],
    ids=range(10),
)
def test_g3_a_hostile_mapping_file_is_refused(
    write: Callable[[Files], list[Path]], tmp_path: Path, mapping: Json, said: str
) -> None:
    path, hints = *write({"a.json": {"$defs": {"A": THING}}}), tmp_path / "map"
    hints.write_text(mapping if isinstance(mapping, str) else json.dumps(mapping), encoding="utf-8")
    with pytest.raises(GenerationError) as caught:
        read_bundle([path], settings=Settings(reading=Reading(reference_maps=(hints,))))
    (problem,) = caught.value.problems
    assert said in str(problem)
    assert str(problem).isprintable()
    assert len(str(problem)) < MOST


def test_g3_a_base_that_is_no_url_is_refused(refused: Refused) -> None:
    (said,) = refused({"a.json": {"$defs": {"A": THING}}}, base_url="http://[::1")
    assert said == "--base-url: http://[::1 is no URL; write one such as https://example.org/schemas/"


def test_g3_a_path_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GenerationError, match="File name too long"):
        generate([tmp_path / LONG], tmp_path / "made.py")


@pytest.mark.parametrize("length", [1, 2, 3, 50])
def test_g3_circles_through_files_are_types_or_refused(run: Run, refused: Refused, length: int) -> None:
    def circle(step: Callable[[str], Json]) -> Files:
        return {
            f"f{index}.json": {
                "$defs": {f"A{index}": step(f"f{(index + 1) % length}.json#/$defs/A{(index + 1) % length}")}
            }
            for index in range(length)
        }

    (said,) = refused(circle(lambda target: {"$ref": target}))
    assert "refers to itself without end: A0 -> " in said
    module = run(circle(lambda target: {"type": "object", "properties": {"next": {"$ref": target}}}))
    value = module["decode"]('{"next": {"next": {}}}', module["A0"])
    assert module["encode"](value) == b'{"next":{"next":{}}}'


NESTINGS: Final[dict[str, tuple[Callable[[Json], Json], str, str]]] = {
    "reference": (lambda inner: inner, "null", "1"),
    "array": (lambda inner: {"type": "array", "items": inner}, "[[[[]]]]", "[[[1]]]"),
    "tuple": (
        lambda inner: {"type": "array", "prefixItems": [inner], "minItems": 1, "items": False},
        "[" * 200 + "null" + "]" * 200,
        "[[[1]]]",
    ),
    "map": (lambda inner: {"type": "object", "additionalProperties": inner}, '{"a": {"b": {}}}', '{"a": {"b": 1}}'),
}


@pytest.mark.parametrize("nesting", NESTINGS)
def test_g3_long_chains_of_references_are_types_that_can_be_used(run: Run, nesting: str) -> None:
    """Aliases contain each other: without an end the type would be too deep for Python."""
    nest, good, bad = NESTINGS[nesting]
    length = 10_000 if nesting == "reference" else 200 if nesting == "tuple" else 1000
    chain = {f"A{index}": nest({"$ref": f"#/$defs/A{index + 1}"}) for index in range(length)}
    module = run({"a.json": {"$defs": {**chain, f"A{length}": {"type": "null"}}}})
    assert json.loads(module["encode"](module["decode"](good, module["A0"]))) == json.loads(good)
    with pytest.raises(DecodeError, match="Expected"):
        module["decode"](bad, module["A0"])


@pytest.mark.parametrize("length", [60, 100])
def test_g3_long_chains_of_unions_are_types(run: Run, length: int) -> None:
    module = run({"a.json": {"$defs": unions_in_unions(length)}})
    for value in ("null", '{"x": "y"}'):
        assert json.loads(module["encode"](module["decode"](value, module["A0"]))) == json.loads(value)


def test_g3_chains_of_unions_without_end_are_refused(refused: Refused) -> None:
    for said in refused({"a.json": {"$defs": unions_in_unions(1000)}}):
        assert "more than 120 unions for one value lead on from here; put an object with a property between" in said


def unions_in_unions(length: int) -> dict[str, Json]:
    chain = {f"A{at}": {"anyOf": [{"type": "null"}, {"$ref": f"#/$defs/A{at + 1}"}]} for at in range(length)}
    return {**chain, f"A{length}": THING}


# --- patterns that take exponential time for a text of sixty characters ---

SLOW: Final = {"type": "string", "maxLength": 20, "pattern": "^(a+)+$"}
BAD: Final = "a" * 60 + "!"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (SLOW, BAD),
        ({"maxLength": 20, "pattern": "^(a+)+$"}, BAD),
        ({"type": "array", "items": SLOW, "uniqueItems": True}, [BAD]),
        ({"oneOf": [SLOW, {"type": "string", "minLength": 500}]}, BAD),
        ({"anyOf": [SLOW, {"type": "string", "pattern": "^b"}]}, BAD),
        ({"type": "object", "properties": {"x": SLOW}}, {"x": BAD}),
        ({"type": "object", "additionalProperties": SLOW}, {"x": BAD}),
        ({"type": "object", "propertyNames": SLOW}, {BAD: 1}),
    ],
    ids=range(8),
)
def test_g3_a_length_beside_a_slow_pattern_is_checked_first(run: Run, schema: Json, value: Json) -> None:
    """Without that order, this test would run for years."""
    module = run({"a.json": {"$defs": {"A": schema}}})
    with pytest.raises(DecodeError, match="Expected at most 20 characters"):
        module["decode"](json.dumps(value), module["A"])


# --- numbers of thousands of digits, which Python refuses to read ---


@pytest.mark.parametrize("pattern", ["a{%s}", "a{1,%s}", "a{%s,}", r"(a)\%s", r"\u{%s}", r"(?<a>x)\k<%s>"])
def test_g3_long_numbers_in_patterns_are_refused(refused: Refused, pattern: str) -> None:
    text = pattern % ("9" * 5000)
    for schema in ({"pattern": text}, {"patternProperties": {text: True}}):
        (said,) = refused({"a.json": {"$defs": {"A": schema}}})
        assert "may mean something else in Python" in said


def test_g3_a_validator_refuses_long_numbers_in_patterns() -> None:
    with pytest.raises(UnsupportedSchemaError):
        Validator({"A": {"pattern": "a{%s}" % ("9" * 5000)}}).violation("A", "a")


# --- YAML ---

YAML: Final = {
    "deep flow": ("[" * 10_000, "nesting"),
    "deep block": ("\n".join(" " * depth + "a:" for depth in range(2000)), "nested deeper than"),
    "deep list": ("- " * 3000 + "a", "nested deeper than"),
    "deep key": ("? " * 3000 + "a", "a key is no text"),
    "list of merges": (
        "$defs:\n a0: &a0 {x0: 1}\n"
        + "\n".join(f" a{at}: &a{at}\n  <<: [{', '.join([f'*a{at - 1}'] * 10)}]\n  p: 1" for at in range(1, 40)),
        "aliases repeat more than 100000 values",
    ),
    "code": ("a: !!python/object/apply:os.abort []", "remove the tag"),
    "name of code": ("!!python/name:os.abort ''", "remove the tag"),
    "own tag": ("%TAG ! tag:x,2000:\n---\na: !b 1", "remove the tag"),
    "set": ("!!set {a, b}", "remove the tag"),
    "twice": ("a: 1\n'a': 2", "the name is given twice"),
    "twice by an alias": ("&a a: 1\n*a : 2", "the name is given twice"),
    "number as key": ("[1]: 1", "a key is no text"),
    "not a number": ("enum: [.nan]", ".nan is no JSON number"),
    "infinite": ("enum: [-.inf]", "-.inf is no JSON number"),
    "long number": (f"enum: [{'9' * 10_000}]", "out of range"),
    "long hexadecimal number": (f"enum: [0x{'f' * 10_000}]", "out of range"),
    "surrogate": ('a: "\\ud800"', "not YAML"),
    "unclosed": ("{a: [b, {c: ", "not YAML"),
    "quotes": ("'" + "''" * 500_000, "not YAML"),
}


@pytest.mark.parametrize("case", YAML)
def test_g3_hostile_yaml_is_refused(refused: Refused, case: str) -> None:
    text, said = YAML[case]
    (problem,) = refused({"a.schema.yaml": text})
    assert said in problem

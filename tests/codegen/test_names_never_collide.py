"""Names of types never collide, and adding something renames nothing but what has less right to the very name."""

import json
import unicodedata
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final, TypeAlias

import pytest
from hypothesis import given, strategies

from miniagents.codegen import generate
from miniagents.codegen.documents import parse
from miniagents.codegen.exporting.exporter import export
from miniagents.codegen.names import definition_name
from miniagents.codegen.reading.bundle import Bundle, bundle_of, read_bundle
from miniagents.codegen.reading.sources import Source
from miniagents.codegen.settings import Reading, Settings
from miniagents.codegen.shaping.modules import module_of
from tests.effort import examples

Json: TypeAlias = Any  # Any: schemas are any JSON
Files = Mapping[str, Json]
Places = dict[tuple[str, str], str]

TEXT: Final = {"type": "string"}
NUMBER: Final = {"type": "number"}


def bundle(files: Files) -> Bundle:
    """The bundle of files that are not on the disk."""
    sources = [Source(Path(f"/{name}"), parse(name, json.dumps(schema).encode())) for name, schema in files.items()]
    return bundle_of(sorted(sources, key=lambda source: source.absolute))


def named(files: Files) -> Places:
    """The names of all types by file and pointer."""
    found = {(each.place.document.name, each.place.pointer): name for name, each in bundle(files).definitions.items()}
    types = module_of(bundle(files)).types
    found |= {(each.place.document.name, each.place.pointer): each.name for each in types if each.place is not None}
    return found


def defs(**members: Json) -> dict[str, Json]:
    return {"$defs": members}


def thing(**properties: Json) -> dict[str, Json]:
    return {"type": "object", "properties": properties}


CASES: Final[dict[str, tuple[Files, dict[str, str]]]] = {
    "words": (
        {"fhir.json": {"$defs": {"Evidence_Variable": TEXT, "EvidenceVariable": NUMBER}}},
        {
            "fhir.json#/$defs/EvidenceVariable": "EvidenceVariable",
            "fhir.json#/$defs/Evidence_Variable": "Evidence_Variable",
        },
    ),
    "signs": (
        {"v.json": {"definitions": {"X<(a[]|b)>": TEXT, "X<(a|b)>": NUMBER, "Y<a>": TEXT}}},
        {
            "v.json#/definitions/X<(a|b)>": "XAB",
            "v.json#/definitions/X<(a[]|b)>": "X_Of_A_Array_Or_B",
            "v.json#/definitions/Y<a>": "YA",
        },
    ),
    "a file against its own definition": (
        {
            "SqlFacet.json": {
                "type": "object",
                "properties": {"sql": {"$ref": "#/$defs/SqlFacet"}},
                **defs(SqlFacet=TEXT),
            }
        },
        {"SqlFacet.json#": "SqlFacet_Root", "SqlFacet.json#/$defs/SqlFacet": "SqlFacet"},
    ),
    "case": (
        {"types.json": {"$defs": {"fooBar": TEXT, "FooBar": NUMBER}}},
        {"types.json#/$defs/FooBar": "FooBar", "types.json#/$defs/fooBar": "Types_FooBar"},
    ),
    "three of one spelling": (
        {"types.json": {"$defs": {"a.b": TEXT, "a b": NUMBER, "a-b": True, "A_B": False}}},
        {
            "types.json#/$defs/A_B": "AB",
            "types.json#/$defs/a b": "A_B",
            "types.json#/$defs/a-b": "Types_AB",
            "types.json#/$defs/a.b": "AB_506d152b",
        },
    ),
    "two forms of one character": (
        {"types.json": {"$defs": {unicodedata.normalize("NFD", "É"): TEXT, "É": NUMBER}}},
        {
            "types.json#/$defs/É": "É",
            f"types.json#/$defs/{unicodedata.normalize('NFD', 'É')}": "Types_É",
        },
    ),
    "files": (
        {"orders.json": defs(Error=TEXT), "v2/orders.json": defs(Error=NUMBER), "v3/orders.json": defs(Error=True)},
        {
            "orders.json#/$defs/Error": "Error",
            "v2/orders.json#/$defs/Error": "Orders_Error",
            "v3/orders.json#/$defs/Error": "V3Orders_Error",
        },
    ),
    "only the same is one type": (
        {"a.json": defs(E=TEXT), "b.json": defs(E=TEXT, F=NUMBER), "c.json": defs(E=NUMBER)},
        {"a.json#/$defs/E": "E", "b.json#/$defs/F": "F", "c.json#/$defs/E": "C_E"},
    ),
    "what refers to different things is different": (
        {
            "a.json": defs(E={"items": {"$ref": "#/$defs/F"}}, F={"items": {"$ref": "#/$defs/E"}, "maxItems": 1}),
            "b.json": defs(E={"items": {"$ref": "#/$defs/F"}}, F={"items": {"$ref": "#/$defs/E"}, "maxItems": 2}),
            "c.json": defs(E={"items": {"$ref": "#/$defs/F"}}, F={"items": {"$ref": "#/$defs/E"}, "maxItems": 1}),
        },
        {"a.json#/$defs/E": "E", "a.json#/$defs/F": "F", "b.json#/$defs/E": "B_E", "b.json#/$defs/F": "B_F"},
    ),
    "a hint wins": (
        {"a.json": defs(T={"x-miniagents": {"name": "U"}, **TEXT}, U=NUMBER)},
        {"a.json#/$defs/T": "U", "a.json#/$defs/U": "A_U"},
    ),
    "inner schemas that references lead to": (
        {
            "a.json": defs(
                T={"properties": {"item": TEXT, "other": {"$ref": "#/$defs/T/properties/item"}}}, TItem=NUMBER
            )
        },
        {
            "a.json#/$defs/T": "TObject",  # the class; "T" is it or any value that is no object
            "a.json#/$defs/TItem": "TItem",
            "a.json#/$defs/T/properties/item": "T_Item",
        },
    ),
    "objects in objects": (
        {
            "a.json": defs(
                T=thing(item=thing(a=TEXT), Item=thing(b=TEXT), itEm=thing(d=TEXT)), TIt=thing(em=thing(c=TEXT))
            )
        },
        {
            "a.json#/$defs/T": "T",
            "a.json#/$defs/T/properties/Item": "TItem",
            "a.json#/$defs/T/properties/item": "T_Item",
            "a.json#/$defs/T/properties/itEm": "TItEm",
            "a.json#/$defs/TIt": "TIt",
            "a.json#/$defs/TIt/properties/em": "TIt_Em",
        },
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_g5_what_says_something_else_gets_a_name_from_its_place(case: str) -> None:
    files, expected = CASES[case]
    assert {f"{file}{pointer}": name for (file, pointer), name in named(files).items()} == expected


def test_g5_a_qualified_name_is_told_with_the_way_to_fix_it(tmp_path: Path) -> None:
    path = tmp_path / "types.json"
    path.write_text(json.dumps({"$defs": {"A_B": TEXT, "AB": NUMBER}}, indent=1), encoding="utf-8")
    (note,) = read_bundle([path]).warnings
    assert str(note) == (
        f"{path}:3: #/$defs/A_B: name: AB is also the name of {path} #/$defs/AB; this one is A_B; "
        'fix it by "x-miniagents": {"name": ...}, here or in a file for --overlay'
    )


def test_g4_what_is_exported_has_the_same_names(tmp_path: Path) -> None:
    path = tmp_path / "types.json"
    members = {"A_B": TEXT, "AB": thing(c=TEXT), "A-B": thing(b=TEXT, B=TEXT)}
    path.write_text(json.dumps({**thing(a={"$ref": "#/$defs/AB"}), "title": "AB", "$defs": members}), encoding="utf-8")
    with pytest.warns(match="is also the name of"):
        (tmp_path / "first.py").write_text(generate([path], tmp_path / "first.py"), encoding="utf-8")
    (tmp_path / "exported.json").write_text(export(str(tmp_path / "first.py")), encoding="utf-8")
    text = generate([tmp_path / "exported.json"], tmp_path / "second.py")
    assert text.partition('"""')[2] == (tmp_path / "first.py").read_text(encoding="utf-8").partition('"""')[2].replace(
        "types.json", "exported.json"
    )


# --- the law ---

WORDS: Final = ("A", "a", "B", "b", "AB", "ab", "A_B", "a-b", "A<B>", "A<B[]>", "aB", "É", "E\u0301", "Root", "1", "")
numbers = count()
"""Numbers that no schema has twice, so that no two schemas are one type."""


@strategies.composite
def schemas(draw: strategies.DrawFn) -> Json:
    unique: Json = {"const": next(numbers)}
    keys = draw(strategies.lists(strategies.sampled_from(WORDS), max_size=3, unique=True))
    members: Json = {key: {"type": "object", "properties": {"x": unique}} for key in keys}
    return {"type": "object", "properties": members} if keys else unique


files = strategies.dictionaries(
    strategies.sampled_from(["a.json", "b/a.json", "b/c.json", "ab.json", "a_b.json"]),
    strategies.dictionaries(strategies.sampled_from(WORDS), schemas(), min_size=1, max_size=5),
    min_size=1,
    max_size=4,
)


def whole(given: Mapping[str, Mapping[str, Json]]) -> Files:
    return {name: {"$defs": dict(members)} for name, members in given.items()}


def merged(random: Random, *parts: Mapping[str, Mapping[str, Json]]) -> Files:
    """The definitions of all parts in one random order; what is there twice is taken from the first."""
    found: dict[tuple[str, str], Json] = {}
    for part in parts:
        for file, members in part.items():
            for key, schema in members.items():
                found.setdefault((file, key), schema)
    together: dict[str, dict[str, Json]] = {}
    for file, key in random.sample(sorted(found), len(found)):
        together.setdefault(file, {})[key] = found[file, key]
    return whole(together)


def definitions_in(places: Places) -> Places:
    return {place: name for place, name in places.items() if place[1].count("/") == 2}


@examples(150)
@given(files, files, strategies.randoms(use_true_random=False))
def test_g5_law_adding_renames_only_what_has_less_right_to_the_very_name(
    given: dict[str, dict[str, Json]], added: dict[str, dict[str, Json]], random: Random
) -> None:
    before, after = named(whole(given)), named(merged(random, given, added))
    assert len(set(after.values())) == len(after)
    assert all(name.isidentifier() for name in after.values())
    renamed = [name for place, name in definitions_in(before).items() if after[place] != name]
    assert set(renamed) <= set(after.values()), "its very name belongs to another now"
    plain = {definition_name(place[1].rpartition("/")[2]) for place in definitions_in(after) if place not in before}
    assert not renamed or plain & set(before.values())


@examples(150)
@given(files, strategies.randoms(use_true_random=False))
def test_g5_law_order_does_not_matter_and_other_names_change_nothing(
    given: dict[str, dict[str, Json]], random: Random
) -> None:
    others = {file: {"Other": {"const": file}, "other thing": {"const": f"{file}!"}} for file in ("0.json", "b/c.json")}
    after = named(merged(random, given, others))
    assert {place: after[place] for place in named(whole(given))} == named(whole(given))


# --- where the files lie ---


def written(folder: Path, files: Files) -> list[Path]:
    for name, schema in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(schema), encoding="utf-8")
    return [folder / name for name in files]


MANY_OF_ONE_SPELLING: Final = {
    name: defs(Error={"minLength": number}, Other={"minLength": number})
    for number, name in enumerate(
        [
            *("types.schema.json", "types.schema.yaml", "types.schema.yml"),
            *("v2/types.schema.json", "v2/types.schema.yaml", "v2/types.schema.yml"),
        ]
    )
}


@pytest.mark.parametrize("around", ["short", "quite/another/place", "v1/types"])
@pytest.mark.parametrize("is_folder", [True, False])
def test_g4_names_do_not_depend_on_the_place_of_the_given_files_on_the_machine(
    tmp_path: Path, around: str, *, is_folder: bool
) -> None:
    """Neither where a folder is given, nor where its files are; the folders above would be those of one machine."""
    folder = tmp_path / around / "schemas"
    paths = written(folder, MANY_OF_ONE_SPELLING)
    names = [*read_bundle([folder] if is_folder else paths).definitions]
    assert names == [*bundle(MANY_OF_ONE_SPELLING).definitions]
    assert len(names) == 12
    assert not {"short", "place", "schemas", tmp_path.name.lower()} & {
        part.lower() for name in names for part in name.split("_")
    }


@pytest.mark.parametrize("around", ["a", "z/y"])
def test_g4_names_of_referenced_files_come_from_their_urls(tmp_path: Path, around: str) -> None:
    """Not from where the copies lie, which may be before or behind the given files."""
    given = written(
        tmp_path / "m",
        {"own.json": thing(a={"$ref": "https://x.example/one/t.json"}, b={"$ref": "https://x.example/two/t.json"})},
    )
    written(tmp_path / around, {"one/t.json": {"title": "T", **TEXT}, "two/t.json": {"title": "T", **NUMBER}})
    reading = Reading(references=(("https://x.example/", tmp_path / around),))
    found = read_bundle(given, settings=Settings(reading=reading)).definitions
    assert [*found] == ["Own", "T", "T_Root"] if around > "m" else ["T", "T_Root", "Own"]
    assert found["T"].schema == {"title": "T", **TEXT}

"""Edits of the text of JSON files: exactly what was asked for changes, and everything else stays as it was written."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, strategies as st

from miniagents.codegen.documents import JsonValue, escape
from miniagents.codegen.linting.json_editing import edited

Edits = dict[str, tuple[str, JsonValue] | None]
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=4),
    max_leaves=12,
)


def places(value: JsonValue, pointer: str = "#") -> Iterator[tuple[str, bool]]:
    """Every value inside another one by its pointer, and whether it is a member of an object."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        here = f"{pointer}/{escape(str(key))}"
        yield here, isinstance(value, dict)
        yield from places(each, here)


def members(value: JsonValue, edits: Edits, pointer: str = "#") -> object:
    """What becomes of a value, with the members of objects as pairs, for two may have one name afterwards."""
    if isinstance(value, dict):
        pairs: list[object] = []
        for name, each in value.items():
            here = f"{pointer}/{escape(name)}"
            edit = edits.get(here, ())
            if edit:
                pairs.append(edit)
            elif edit is not None:
                pairs.append((name, members(each, edits, here)))
        return {"pairs": pairs}
    if isinstance(value, list):
        kept = [index for index in range(len(value)) if f"{pointer}/{index}" not in edits]
        return [members(value[index], edits, f"{pointer}/{index}") for index in kept]
    return value


@given(VALUES, st.data(), st.sampled_from([None, 0, 2]), st.booleans())
def test_exactly_what_was_asked_for_changes(
    value: JsonValue, data: st.DataObject, indent: int | None, is_ascii: bool
) -> None:
    known = [*places(value)]
    chosen = data.draw(st.lists(st.sampled_from(known), max_size=4)) if known else []
    replacements: list[tuple[str, JsonValue] | None] = [None, ("new", [1])]
    edits: Edits = {
        pointer: data.draw(st.sampled_from(replacements)) if is_member else None for pointer, is_member in chosen
    }
    text = edited(json.dumps(value, indent=indent, ensure_ascii=is_ascii), edits)

    def pairs(found: list[tuple[str, object]]) -> object:
        return {"pairs": [(name, {"new": [1]}.get(name, each)) for name, each in found]}

    assert json.loads(text, object_pairs_hook=pairs) == members(value, edits)


@pytest.mark.parametrize(
    ("text", "edits", "after"),
    [
        ('{\n  "a" : 1,\r\n\t"b": [ 2,3 ]\n}\n', {"#/a": None}, '{\n  "b": [ 2,3 ]\n}\n'),
        ('{\n  "a" : 1,\r\n\t"b": [ 2,3 ]\n}\n', {"#/b": None}, '{\n  "a" : 1\n}\n'),
        (
            '{\n  "a" : 1,\r\n\t"b": [ 2,3 ]\n}\n',
            {"#/b/0": None, "#/a": ("c", "ü")},
            '{\n  "c": "ü",\r\n\t"b": [ 3 ]\n}\n',
        ),
        ('{ "a": [ 1 ] }', {"#/a/0": None}, '{ "a": [] }'),
        ('{ "a": { "b": 1 } }', {"#/a": None, "#/a/b": ("c", 2)}, "{}"),
        ('{ "a/b": 1, "c": 1.50e3 }', {"#/a~1b": None}, '{ "c": 1.50e3 }'),
        ('{ "a": 1 }', {"#/b": None, "#/a/0": None}, '{ "a": 1 }'),
    ],
)
def test_everything_else_stays_as_it_was_written(text: str, edits: Edits, after: str) -> None:
    assert edited(text, edits) == after

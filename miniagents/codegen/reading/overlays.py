"""Overlays: what users say about schemas whose files belong to others.

An overlay is a JSON or YAML file: `{"fhir.json#/definitions/Patient": {"name": "Person", "description": "…"}}`. A key
is a file and a JSON pointer. The file is named by its path, as far as needed, or by its URL; with one given file it may
be left out. The members of an entry are added to the schema, and replace what it says itself:

- `name`: the name of the type.
- `description`: its description.
- `x-miniagents`, `x-miniagents-format`, `x-miniagents-ignore`: hints, as in a schema.
- `ignore-keywords`: keywords that are left out of the schema, known ones too. The type then accepts what they refuse.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

from miniagents.codegen.documents import JsonValue, Node
from miniagents.codegen.reading.hints import ON_OBJECT, ON_PROPERTY, ON_TYPE, read_hints
from miniagents.codegen.reading.sources import Source, identities, opened
from miniagents.codegen.schema_errors import Problem
from miniagents.codegen.settings import Reading
from miniagents.validation.keywords import FORMAT_CHOICE, HINTS

_NAME: Final = "name"
_IGNORED: Final = "ignore-keywords"
_MEMBERS: Final = (_NAME, "description", HINTS, FORMAT_CHOICE, "x-miniagents-ignore", _IGNORED)
_FORM: Final = '{"file.json#/$defs/Name": {"name": "OtherName"}}'


def overlaid(sources: Sequence[Source], reading: Reading, problems: list[Problem]) -> list[Source]:
    """Return schema files with what overlays say about their schemas.

    Args:
        sources: The schema files.
        reading: The choice of overlays. What a later one says replaces what an earlier one says.
        problems: The list to which problems of the overlays are added.
    """
    result = [*sources]
    for path in reading.overlays:
        for overlay in opened(path, problems):
            root = overlay.document.root
            if not isinstance(root.value, dict):
                problems.append(root.place.problem("", "is no object of schemas and what to say of them", _FORM))
                continue
            for key in root.value:
                entry = root.child(key)
                places = [*_files(result, overlay, key)]
                if len(places) != 1:
                    problems.append(_unclear(entry, key, [result[place] for place in places]))
                    continue
                source = result[places[0]]
                value = _changed(source.document.value, entry, key, problems)
                result[places[0]] = replace(source, document=replace(source.document, value=value))
    return result


def _files(sources: Sequence[Source], overlay: Source, key: str) -> Iterator[int]:
    """Yield the places of the files that an entry may mean."""
    name = key.partition("#")[0]
    beside = replace(overlay, path=overlay.path.parent / name).absolute if "\0" not in name else ""
    exact = [place for place, each in enumerate(sources) if name and {name, beside} & {*identities(each)}]
    if not exact:
        steps = name.split("/")
        exact = [
            place
            for place, each in enumerate(sources)
            if (each.absolute.split("/")[-len(steps) :] == steps if name else each.is_given)
        ]
    yield from exact


def _unclear(entry: Node, key: str, found: Sequence[Source]) -> Problem:
    name = key.partition("#")[0]
    if not found:
        remedy = "write the path or the URL of one, and a JSON pointer"
        return entry.place.problem("file", f"{name[:200] or 'it'} is none of the given files", remedy)
    names = ", ".join(each.document.name for each in found[:3])
    return entry.place.problem("file", f"it may mean {names}", f"write which: {_FORM}")


def _changed(value: JsonValue, entry: Node, key: str, problems: list[Problem]) -> JsonValue:
    """Return a document in which one schema is changed as an entry says, or as it is if the entry is wrong."""
    pointer = key.partition("#")[2]
    steps = _steps(value, pointer) or _steps(value, unquote(pointer))
    if steps is None or (pointer and not pointer.startswith("/")):
        wrong = f"there is nothing at #{pointer[:200]}"
        problems.append(entry.place.problem("pointer", wrong, "correct it, or remove the entry"))
        return value
    count = len(problems)
    added = _added(entry, problems)
    if len(problems) > count:
        return value
    ignored = added.pop(_IGNORED, [])

    def change(part: JsonValue, at: int) -> JsonValue:
        if at < len(steps):
            step = steps[at]
            if isinstance(part, dict):
                return {name: change(each, at + 1) if name == step else each for name, each in part.items()}
            items = part if isinstance(part, list) else []
            return [change(each, at + 1) if str(index) == step else each for index, each in enumerate(items)]
        if not isinstance(part, bool | dict):
            problems.append(entry.place.problem("pointer", "there is no schema", "name a schema"))
            return part
        schema: dict[str, JsonValue] = part if isinstance(part, dict) else {} if part else {"not": {}}
        kept = {name: each for name, each in schema.items() if not isinstance(ignored, list) or name not in ignored}
        hints, more = kept.get(HINTS), added.get(HINTS)
        both = {**hints, **more} if isinstance(hints, dict) and isinstance(more, dict) else more
        return {**kept, **added, **({HINTS: both} if HINTS in added else {})}

    return change(value, 0)


def _steps(value: JsonValue, pointer: str) -> list[str] | None:
    """Return the steps of a JSON pointer, or None if it leads nowhere."""
    steps: list[str] = []
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and (index := _index(key, len(value))) is not None:
            value = value[index]
        else:
            return None
        steps.append(key)
    return steps


def _index(key: str, count: int) -> int | None:
    """Return the place in an array of some length that a step means, or None if it means none."""
    is_short = len(key) <= len(str(count))  # Python refuses to read numbers of thousands of digits
    return int(key) if is_short and key.isdecimal() and key == str(int(key)) and int(key) < count else None


def _added(entry: Node, problems: list[Problem]) -> dict[str, JsonValue]:
    """Return what an entry says, with its name among the hints."""
    if not isinstance(entry.value, dict):
        problems.append(entry.place.problem("", "is no object", f"write {_FORM}"))
        return {}
    for key, value in entry.value.items():
        place = entry.child(key).place
        if key not in _MEMBERS:
            problems.append(place.problem(key, "means nothing in an overlay", f"one of {', '.join(_MEMBERS)}"))
        elif key == _IGNORED and not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
            problems.append(place.problem(key, "is no array of names", 'write ["pattern"]'))
        elif key == "description" and not isinstance(value, str):
            problems.append(place.problem(key, "is no text", "write a text"))
    added = dict(entry.value)
    hints = added.get(HINTS, {})
    if _NAME in added and isinstance(hints, dict):
        added[HINTS] = {**hints, _NAME: added.pop(_NAME)}
    allowed = ON_TYPE | ON_OBJECT | ON_PROPERTY
    read_hints(Node(entry.document, entry.pointer, added), allowed, problems.append)
    return added

"""Correct in schema files what `lint` finds and a program can correct.

A correction changes neither the values that a schema accepts nor the generated types. That is not taken from the rules:
the corrected files are read again and compared with the files as they were, as `diff` does. A correction after which
anything might be different is left out.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

from miniagents.codegen.comparing.comparer import compare
from miniagents.codegen.documents import Document, JsonValue, parse
from miniagents.codegen.linting.json_editing import edited
from miniagents.codegen.linting.levels import Strictness
from miniagents.codegen.linting.linter import Found, findings
from miniagents.codegen.reading.bundle import Bundle, bundle_of
from miniagents.codegen.reading.sources import Source
from miniagents.codegen.schema_errors import GenerationError
from miniagents.codegen.settings import Settings

_MARK: Final = "\ufeff"
_ROUNDS: Final = 5
"""How often corrected files are looked at again: one correction may make another one possible."""


class Fixed(NamedTuple):
    """The result of corrections."""

    bundle: Bundle
    """The corrected schemas."""
    texts: Mapping[Path, str]
    """The new text of each file that was corrected."""
    corrections: int
    """The number of corrections."""


@dataclass(frozen=True, slots=True)
class _State:
    """Schema files and their definitions."""

    sources: tuple[Source, ...]
    texts: Mapping[Document, str]
    bundle: Bundle


def fix(
    sources: Sequence[Source], strictness: Callable[[str], Strictness], *, is_library: bool, settings: Settings
) -> Fixed:
    """Correct what is mechanical in schema files, without writing them.

    Files in YAML stay as they are, and so do files that only references lead to.

    Args:
        sources: The files.
        strictness: Returns the strictness for the name of a file: what it does not ask for is not corrected.
        is_library: Whether they are the library's own schemas.
        settings: The choices of the user where schemas leave something open.

    Raises:
        GenerationError: The files cannot be read as schemas.
    """
    texts = {each.document: text for each in sources if each.is_given and (text := _text(each)) is not None}
    state = _State(tuple(sources), texts, bundle_of(sources, is_library=is_library, settings=settings))
    count = 0
    for _ in range(_ROUNDS):
        found = [each for each in findings(state.bundle, strictness) if each.finding.edit is not None]
        found = [each for each in found if each.finding.place.document in state.texts]
        corrected, done = _corrected(state, found)
        if not done:
            break
        state, count = corrected, count + done
    new = {each.path: text for each in state.sources if (text := state.texts.get(each.document)) is not None}
    changed = {path: text for path, text in new.items() if text not in texts.values()}
    return Fixed(state.bundle, changed, count)


def _text(source: Source) -> str | None:
    """Return the text of a JSON file; None if it is YAML, or was changed since it was read."""
    if source.path.suffix in {".yaml", ".yml"}:
        return None
    data = source.path.read_bytes()
    return data.decode() if parse(source.document.name, data).value == source.document.value else None


def _corrected(state: _State, found: Sequence[Found]) -> tuple[_State, int]:
    """Return the state after all corrections that change no meaning, and their number."""
    if not found:
        return state, 0
    after = _after(state, found)
    if after is not None:
        return after, len(found)
    if len(found) == 1:
        return state, 0
    # Some of them are not safe: find out which by halves. Pointers of one half would not be true after the other one.
    middle = len(found) // 2
    safe = [each for half in (found[:middle], found[middle:]) for each in _safe(state, half)]
    after = _after(state, safe) if safe else None
    return (state, 0) if after is None else (after, len(safe))


def _safe(state: _State, found: Sequence[Found]) -> list[Found]:
    if not found or _after(state, found) is not None:
        return [*found]
    if len(found) == 1:
        return []
    middle = len(found) // 2
    return [*_safe(state, found[:middle]), *_safe(state, found[middle:])]


def _after(state: _State, found: Collection[Found]) -> _State | None:
    """Return the state after some corrections, or None if they would change a meaning."""
    edits: dict[Document, dict[str, tuple[str, JsonValue] | None]] = {}
    for each in found:
        edit = each.finding.edit
        if edit is not None:
            edits.setdefault(edit.place.document, {})[edit.place.pointer] = edit.member
    documents: dict[Document, Document] = {}
    texts = dict(state.texts)
    try:
        for document, changes in edits.items():
            text = texts.pop(document)
            mark = _MARK if text.startswith(_MARK) else ""
            new = mark + edited(text.removeprefix(_MARK), changes)
            documents[document] = parse(document.name, new.encode())
            texts[documents[document]] = new
        sources = tuple(replace(each, document=documents.get(each.document, each.document)) for each in state.sources)
        old = state.bundle
        bundle = bundle_of(sources, is_library=old.is_library, settings=old.settings)
    except GenerationError:
        return None
    if any(change.concerns for change in compare(old, bundle)):
        return None
    return _State(sources, texts, bundle)

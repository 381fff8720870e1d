"""Parse YAML files as JSON, and record the line of every value.

The core schema of YAML 1.2 is supported as far as it has an equivalent in JSON. `on`, `yes` and dates are texts, and
keys are texts: a number, such as the `200:` of OpenAPI, is the text as it is written. The merge keys of YAML 1.1 are
supported as well, because API documents use them. Tags, infinities and several documents in one file are refused.
Schemas are untrusted input: the values that aliases repeat are counted, so that a small file cannot become a huge one.
"""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from miniagents.codegen.documents import MAX_DEPTH, MAX_DIGITS, Document, JsonValue, Place, escape, has_half_character
from miniagents.codegen.schema_errors import GenerationError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yaml.events import Event

MAX_REPEATED: Final = 100_000
"""The number of values that aliases may add to a file."""

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INFINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_TAG: Final = "tag:yaml.org,2002:"


def parse_yaml(name: str, data: bytes) -> Document:
    """Parse one YAML file.

    Args:
        name: The name of the file, for errors.
        data: The content of the file.

    Raises:
        GenerationError: PyYAML is not installed, the file is not YAML, or it has no equivalent in JSON.
    """
    try:
        import yaml  # noqa: PLC0415 - an extra
    except ImportError:
        remedy = "install it: pip install 'miniagents[yaml]'"
        raise GenerationError((Problem(name, 0, 0, "", "", "reading YAML needs PyYAML", remedy),)) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refusal(name, line, "not YAML", "not UTF-8", "save the file as UTF-8") from None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    composer = _Composer(name)
    try:
        composer.take(yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise _refusal(name, line, "not YAML", error.problem or "cannot be parsed", "correct the file") from None
    except (yaml.YAMLError, ValueError) as error:
        raise _refusal(name, 1, "not YAML", str(error).partition("\n")[0], "correct the file") from None
    lines = composer.lines
    document = Document(name, composer.value, lambda: lines)
    if composer.wrong:
        raise GenerationError(tuple(Place(document, each[0]).problem(*each[1:]) for each in composer.wrong))
    return document


def _refusal(name: str, line: int, keyword: str, wrong: str, remedy: str) -> GenerationError:
    return GenerationError((Problem(name, line, 0, "", keyword, wrong, remedy),))


@dataclass(slots=True)
class _Frame:
    """A mapping or sequence that is being read."""

    pointer: str
    value: dict[str, JsonValue] | list[JsonValue]
    anchor: str | None
    size: int = 1
    key: str | None = None
    is_merging: bool = False
    merged: list[dict[str, JsonValue]] | None = None

    def here(self) -> str:
        if isinstance(self.value, list):
            return f"{self.pointer}/{len(self.value)}"
        return self.pointer if self.key is None else f"{self.pointer}/{escape(self.key)}"

    def whole(self) -> dict[str, JsonValue] | list[JsonValue]:
        """Return the value, with the members that merge keys add to it: first theirs, then its own in their place."""
        if self.merged is None or isinstance(self.value, list):
            return self.value
        added = {name: value for each in reversed(self.merged) for name, value in each.items()}
        return {**added, **self.value}


@dataclass(slots=True)
class _Composer:
    """Builds a value from the events of PyYAML's parser, which does not interpret them."""

    name: str
    value: JsonValue = None
    lines: dict[str, int] = field(default_factory=dict[str, int])
    wrong: list[tuple[str, str, str, str]] = field(default_factory=list[tuple[str, str, str, str]])
    _stack: list[_Frame] = field(default_factory=list[_Frame])
    _anchors: dict[str, tuple[JsonValue, int]] = field(default_factory=dict[str, tuple[JsonValue, int]])
    _repeated: int = 0
    _documents: int = 0
    _line: int = 1

    def take(self, events: "Iterator[Event]") -> None:
        """Process the events of a whole file."""
        from yaml import events as kinds  # noqa: PLC0415 - an extra

        for event in events:
            self._line = event.start_mark.line + 1 if event.start_mark is not None else self._line
            if isinstance(event, kinds.DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    raise _refusal(self.name, self._line, "---", "the file holds several documents", "write two files")
            elif isinstance(event, kinds.AliasEvent):
                self._alias(event.anchor or "")
            elif isinstance(event, kinds.ScalarEvent):
                if self._wants_key():
                    self._key(event.value, plain=event.implicit[0], tag=event.tag)
                    if event.anchor is not None:
                        self._anchors[event.anchor] = event.value, 1
                else:
                    value = self._scalar(event.value, plain=event.implicit[0], tag=event.tag)
                    self._put(value, 1, event.anchor)
            elif isinstance(event, kinds.CollectionStartEvent):
                self._open(event.anchor, event.tag, is_object=isinstance(event, kinds.MappingStartEvent))
            elif isinstance(event, kinds.CollectionEndEvent):
                frame = self._stack.pop()
                self._put(frame.whole(), frame.size, frame.anchor, is_closing=True)
        if not self._documents:
            self.lines["#"] = 1

    def _wants_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None

    def _here(self) -> str:
        return self._stack[-1].here() if self._stack else "#"

    def _report(self, pointer: str, keyword: str, wrong: str, remedy: str) -> None:
        self.lines.setdefault(pointer, self._line)
        self.wrong.append((pointer, keyword, wrong, remedy))

    def _open(self, anchor: str | None, tag: str | None, *, is_object: bool) -> None:
        if self._wants_key():
            raise _refusal(self.name, self._line, "key", "a key is no text", "write a text in quotes")
        pointer = self._here()
        self.lines.setdefault(pointer, self._line)
        if tag is not None and tag != _TAG + ("map" if is_object else "seq"):
            self._report(pointer, "tag", f"JSON has no {tag[:60]}", "remove the tag")
        if len(self._stack) == MAX_DEPTH:
            wrong = f"nested deeper than {MAX_DEPTH} levels"
            raise _refusal(self.name, self._line, "nesting", wrong, 'move inner schemas to "$defs"')
        self._stack.append(_Frame(pointer, {} if is_object else [], anchor))

    def _key(self, text: str, *, plain: bool, tag: str | None) -> None:
        frame = self._stack[-1]
        is_known = isinstance(frame.value, dict) and text in frame.value
        frame.key = text
        pointer = frame.here()
        self.lines[pointer] = self._line
        self._check_text(pointer, text)
        frame.is_merging = plain and text == "<<" and tag is None
        if is_known or (frame.is_merging and frame.merged is not None):
            self._report(pointer, "duplicate", "the name is given twice in one object", "keep one of them")
        if (plain and text in _WORDS) or tag not in {None, "!", f"{_TAG}str"}:
            self._report(pointer, "key", f"{text[:60]} is no text", f'write "{text[:60]}" in quotes')

    def _scalar(self, text: str, *, plain: bool, tag: str | None) -> JsonValue:
        pointer = self._here()
        self._check_text(pointer, text)
        if tag is not None and tag not in {"!", f"{_TAG}str"}:
            self._report(pointer, "tag", f"JSON has no {tag[:60]}", "remove the tag")
        if not plain or tag is not None:
            return text
        if _INFINITE.fullmatch(text):
            self._report(pointer, "number", f"{text} is no JSON number", "write a number, or a text in quotes")
        return self._plain(text)

    def _plain(self, text: str) -> JsonValue:
        if text in _WORDS:
            return _WORDS[text]
        if text[:1] not in "+-.0123456789":
            return text
        if _INTEGER.fullmatch(text):
            if len(text) > MAX_DIGITS:
                raise _refusal(self.name, self._line, "number", "the number is out of range", "write a smaller one")
            return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            if number in {float("inf"), float("-inf")}:
                raise _refusal(self.name, self._line, "number", "the number is out of range", "write a smaller one")
            return number
        return text

    def _check_text(self, pointer: str, text: str) -> None:
        if has_half_character(text):
            self._report(pointer, "string", "it holds half of a surrogate pair", "write both halves")

    def _alias(self, anchor: str) -> None:
        if anchor not in self._anchors:
            what = (
                "is a part of what it repeats" if any(each.anchor == anchor for each in self._stack) else "is unknown"
            )
            raise _refusal(self.name, self._line, f"*{anchor}", f"the alias {what}", "write the value out")
        value, size = self._anchors[anchor]
        if self._wants_key():
            if not isinstance(value, str):
                raise _refusal(self.name, self._line, "key", "a key is no text", "write a text in quotes")
            self._key(value, plain=False, tag=None)
            return
        self._repeated += size
        if self._repeated > MAX_REPEATED:
            wrong = f"aliases repeat more than {MAX_REPEATED} values"
            raise _refusal(self.name, self._line, f"*{anchor}", wrong, 'write "$ref" instead of aliases')
        if len(self._stack) + _depth(value) > MAX_DEPTH:
            wrong = f"nested deeper than {MAX_DEPTH} levels"
            raise _refusal(self.name, self._line, "nesting", wrong, 'move inner schemas to "$defs"')
        self._put(value, size, None)

    def _put(self, value: JsonValue, size: int, anchor: str | None, *, is_closing: bool = False) -> None:
        if not is_closing:
            self.lines.setdefault(self._here(), self._line)
        if anchor is not None:
            self._anchors[anchor] = value, size
        if not self._stack:
            self.value = value
            return
        frame = self._stack[-1]
        frame.size += size
        if isinstance(frame.value, list):
            frame.value.append(value)
        elif frame.is_merging:
            self._merge(frame, value)
        elif frame.key is not None:
            frame.value[frame.key] = value
            frame.key = None

    def _merge(self, frame: _Frame, value: JsonValue) -> None:
        every = value if isinstance(value, list) else [value]
        frame.merged = [each for each in every if isinstance(each, dict)]
        if len(frame.merged) < len(every):
            remedy = "write *NAME, or [*NAME, *OTHER], of objects with the anchors &NAME and &OTHER"
            self._report(frame.here(), "<<", "merges something that is no object", remedy)
        frame.key = None


def _depth(value: JsonValue) -> int:
    """Return the depth of a value.

    Parts that aliases share are visited each time they occur. The limit on repeated values bounds that too.
    """
    deepest, todo = 0, [(value, 1)]
    while todo:
        each, depth = todo.pop()
        if isinstance(each, dict | list):
            deepest = max(deepest, depth)
            todo.extend((member, depth + 1) for member in (each.values() if isinstance(each, dict) else each))
    return deepest

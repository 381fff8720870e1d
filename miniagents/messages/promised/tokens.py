"""The text among the pieces of a message that is streamed, and checks of the sources of a stream.

Tokens are text as they are, other events are skipped, and anything else is an error at its place.
"""

from __future__ import annotations

from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    MutableSequence,
)
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from typing_extensions import TypeIs

from miniagents.messages._generated import Message, StreamEvent, TextDelta
from miniagents.messages.values.frozen import FrozenDict
from miniagents.messages.values.surrogates import (
    begins_in_half,
    ends_in_half,
    has_surrogates,
    refusal,
    with_joined_halves,
)
from miniagents.promising.core.current import producing
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.pieces import OutcomeIterator

if TYPE_CHECKING:
    from miniagents.messages.promised.message_promise import MessagePromise
    from miniagents.promising.core.pieces import PieceBuffer

__all__ = [
    "EventOutcomes",
    "MixedOutcomes",
    "TextOutcomes",
    "Tokens",
    "check_arguments",
    "check_fields",
    "checked_piece",
    "holds_surrogates",
    "remedy_for",
    "text_of",
]


class MixedOutcomes(OutcomeIterator[Any]):  # Any: the types of a streamer are not checked at run time
    """A reader that gets everything as it is; an object that is no piece of the message `name` is an error.

    A token that ends in the first half of a surrogate pair is joined to the next one. A lone surrogate is an error.
    """

    __slots__ = ("_name",)

    def __init__(self, buffer: PieceBuffer[str | StreamEvent], name: str) -> None:
        super().__init__(buffer)
        self._name = name

    async def __anext__(self) -> str | StreamEvent | Failure:
        for piece in self._ready:  # noqa: B007  # the next one that is ready, if there is any
            break
        else:
            piece = await self._next()
        if isinstance(piece, str):
            return piece if piece.isascii() or not has_surrogates(piece) else await self._joined(piece)
        return checked_piece(piece, self._name, self._buffer)

    def put_back(self, pieces: Iterable[object]) -> None:
        """Have pieces that were taken be read again."""
        self._ready = chain([*pieces], self._ready)

    async def _joined(self, text: str) -> str | Failure:
        """Return a token that has surrogates, with the ones behind it that complete its last pair, or an error."""
        taken: list[object] = [text]
        behind: list[object] = []
        try:
            while ends_in_half(text) and not isinstance(taken[-1], Failure):
                for piece in self._ready:  # noqa: B007  # as above
                    break
                else:
                    piece = await self._next()
                taken.append(piece)
                if not isinstance(piece, str):
                    behind.append(piece)
                elif begins_in_half(piece):
                    text += piece
                elif piece:
                    behind.append(piece)
                    break
        except StopAsyncIteration:
            pass  # the error below says what is missing
        except BaseException:
            self.put_back(taken)  # this reader may go on after a timeout
            raise
        self.put_back(behind)
        text = with_joined_halves(text)
        reason = refusal(text)
        return text if reason is None else self._buffer.failure_of(ValueError(f"{self._name}: a token: {reason}"))


class TextOutcomes(MixedOutcomes):
    """A reader that skips pieces without text; an object that is no piece of the message `name` is an error."""

    __slots__ = ()

    async def __anext__(self) -> str | Failure:
        for piece in self._ready:  # noqa: B007  # the next one that is ready, if there is any
            break
        else:
            piece = await self._next()
        if isinstance(piece, str):
            return piece if piece.isascii() or not has_surrogates(piece) else await self._joined(piece)
        return await self._text_from(piece)

    async def next_slice(self) -> list[str | Failure] | None:
        """Return the tokens that are ready, as `PieceIterator.next_slice` returns pieces."""
        taken = await super().next_slice()
        if taken is None:
            return None
        if holds_surrogates(taken):
            self.put_back(taken)
            return [await anext(self)]
        return [text for piece in taken if (text := self._text(piece)) is not None]

    async def _text_from(self, piece: object) -> str | Failure:
        """Return the text of a piece or else of those behind it, or the error that comes first."""
        while (text := self._text(piece)) is None:
            piece = await super().__anext__()
        return text

    def _text(self, piece: object) -> str | Failure | None:
        """Return the text of a piece, or the error that it is or that takes its place; None for other events."""
        if isinstance(piece, str | Failure):
            return piece
        if isinstance(piece, TextDelta):
            return piece.text
        return None if _is_event(piece) else _refused(piece, self._name, self._buffer)


class Tokens(TextOutcomes):
    """A reader that gets text, and is raised the failures."""

    __slots__ = ()

    async def __anext__(self) -> str:
        for piece in self._ready:  # noqa: B007  # the next one that is ready, if there is any
            break
        else:
            piece = await self._next()
        try:
            if _is_ascii(piece):
                return piece
        except TypeError:
            pass  # an event or an error
        if isinstance(piece, str):
            if not has_surrogates(piece):
                return piece
            piece = await self._joined(piece)
        text = await self._text_from(piece)
        if isinstance(text, str):
            return text
        try:
            text.reraise()
        finally:
            text.leave_traceback()


class EventOutcomes(AsyncIterator[StreamEvent | Failure]):
    """A reader that gets everything as events, text included; an object that is no piece of the message is an error."""

    __slots__ = ("_outcomes",)

    def __init__(self, buffer: PieceBuffer[str | StreamEvent], name: str) -> None:
        self._outcomes = MixedOutcomes(buffer, name)

    async def __anext__(self) -> StreamEvent | Failure:
        piece = await anext(self._outcomes)
        return TextDelta(text=piece) if isinstance(piece, str) else piece


def holds_surrogates(pieces: Iterable[object]) -> bool:
    """Return whether some of the pieces are tokens that a `MixedOutcomes` would join or refuse."""
    return any(isinstance(piece, str) and not piece.isascii() and has_surrogates(piece) for piece in pieces)


def checked_piece(
    piece: str | StreamEvent | Failure, name: str, buffer: PieceBuffer[str | StreamEvent]
) -> str | StreamEvent | Failure:
    """Return a piece as it is, or the error in its place if it is no piece of the message `name`."""
    if isinstance(piece, str | Failure) or _is_event(piece):
        return piece
    return _refused(piece, name, buffer)


def text_of(
    pieces: Iterable[Any],  # Any: the types of a streamer are not checked at run time
    name: str,
    giver: str,
) -> str:
    """Return the text that all pieces of the message `name` make together, which the generator `giver` gave.

    Raises:
        TypeError: Something among them is no piece of a message.
        ValueError: The text has a lone surrogate.
    """
    try:
        text = "".join(pieces)
    except TypeError:  # there are events among them
        text = "".join([_text_of(piece, name, giver) for piece in pieces])
    if has_surrogates(text):
        text = with_joined_halves(text)
        reason = refusal(text)
        if reason is not None:
            raise ValueError(f"{name}: the tokens: {reason}")
    return text


_is_ascii: Final[Callable[[object], TypeIs[str]]] = cast("Any", str.isascii)  # it raises a TypeError for other objects


def _text_of(piece: object, name: str, giver: str) -> str:
    if isinstance(piece, str):
        return piece
    if isinstance(piece, TextDelta):
        return piece.text
    if isinstance(piece, StreamEvent):
        return ""
    raise _no_piece(piece, name, giver)


def bound_here() -> int | None:
    """Return the bound of messages that are streamed by the running code: the one that its agent was given."""
    work = producing.get()
    return None if work is None else work._bound_of_messages()


def known_fields(fields: Mapping[str, object]) -> FrozenDict[str, object]:
    """Return fields as `known` has them: without those that the message does not have."""
    return FrozenDict({name: value for name, value in fields.items() if value is not msgspec.UNSET})


def check_arguments(cls: object, tokens: object, args: tuple[object, ...], known: Mapping[str, object]) -> None:
    """Refuse at the call of `stream_message` what would fail only after the last token.

    Raises:
        TypeError: The tokens are no async iterable, or the fields are not those of the class.
    """
    name = _name_of(cls)
    if isinstance(tokens, type) and isinstance(cls, AsyncIterable):
        raise TypeError(f"stream_message: the class comes first: stream_message({_name_of(tokens)}, …)")
    if not callable(cls):
        kind = type(cls).__name__
        remedy = f"write stream_message({kind}, …)" if isinstance(cls, msgspec.Struct) else "give a class of messages"
        raise TypeError(f"stream_message: {cls!r:.200} is no class; {remedy}")
    if not isinstance(tokens, AsyncIterable | MutableSequence | tuple | Iterator):
        given = f"not {tokens!r:.200}: write {name}(…)" if isinstance(tokens, str) else _instead(tokens)
        raise TypeError(f"stream_message({name}, …): the tokens come from an async iterable or a list, {given}")
    check_fields("stream_message", cls, args, known)


def check_fields(
    caller: str, cls: object, args: tuple[object, ...] = (), known: Mapping[str, object] = FrozenDict()
) -> None:
    """Refuse fields that do not make a message of the class, whose text is still to come.

    Raises:
        TypeError: A field is unknown or missing, or is the text itself.
    """
    if not (isinstance(cls, type) and issubclass(cls, msgspec.Struct)):
        return  # any other callable checks its own arguments
    where = f"{caller}({cls.__name__}, …)"
    if "text" in known:
        raise TypeError(f"{where}: leave out text=, the text is what is streamed")
    fields = cls.__struct_fields__
    for name in known:
        if name not in fields:
            raise TypeError(f"{where}: {cls.__name__} has no field {name!r}")
    given = {"text", *known, *cls.__match_args__[1 : 1 + len(args)]}
    for name in _required(cls):
        if name not in given:
            raise TypeError(f"{where}: {cls.__name__}.{name} is missing")


def _required(cls: type[msgspec.Struct]) -> list[str]:
    # msgspec.structs.fields would evaluate the annotations, whose names may not exist yet
    defaults: tuple[object, ...] = cls.__struct_defaults__
    fields = cls.__struct_fields__
    without = len(fields) - len(defaults)
    tail = zip(fields[without:], defaults, strict=True)
    return [*fields[:without], *(name for name, default in tail if default is msgspec.NODEFAULT)]


def _instead(tokens: object) -> str:
    """Say what was given instead of an async iterable, and what to write if that can be told."""
    kind = type(tokens).__qualname__
    remedy = remedy_for(tokens)
    what = f"the function {_name_of(tokens)}" if remedy.startswith("call it") else kind
    return f"not {what}: {remedy or format(repr(tokens), '.200')}"


def remedy_for(thing: object) -> str:
    """Return what to write for something that stands in the place of what it gives; "" if that cannot be told."""
    instead: object = getattr(thing, "_instead_of_calling", None)  # an agent has it
    if isinstance(instead, str):
        return instead
    if isinstance(thing, Awaitable):
        return "await it first"
    if isinstance(thing, type):
        return f"make an object of it: {thing.__name__}(…)" if issubclass(thing, Message) else ""
    return f"call it: {_name_of(thing)}()" if callable(thing) else ""


def _name_of(thing: object) -> str:
    while isinstance(thing, partial):
        thing = thing.func
    name: object = getattr(thing, "__name__", None)
    return name if isinstance(name, str) else type(thing).__name__


def _is_event(piece: object) -> bool:
    return isinstance(piece, StreamEvent)  # the types of a streamer are not checked at run time


def _refused(piece: object, name: str, buffer: PieceBuffer[str | StreamEvent]) -> Failure:
    return buffer.failure_of(_no_piece(piece, name, buffer.name))


def _no_piece(piece: object, name: str, giver: str) -> TypeError:
    given = f"{type(piece).__qualname__}: {piece!r:.200}"
    return TypeError(f"{name}: {giver} gave {given}; a token is a string or a stream event")


def known_class(promise: MessagePromise[Message]) -> type[Message] | None:
    """Return the class of a message, or one that it is derived from; None if nothing is known of it."""
    value: object = promise._value
    return type(value) if isinstance(value, Message) else promise._message_class

"""Codec: what reads and writes values of one type again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast, overload
from weakref import ref

import msgspec

from miniagents.messages.coding.codec import (
    UnknownMessage,
    _decode_slowly,
    _decoder,
    _is_simple,
    _look_at_unpacked,
    _refuse,
    _simple,
    encode_any,
    is_simple_form,
)
from miniagents.messages.coding.msgspec_formats import functions_of
from miniagents.messages.values.frozen import when_classes_change

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import TypeForm

    from miniagents.messages.coding.codec import Format, Unknown

__all__ = ["Codec"]

T = TypeVar("T")
U = TypeVar("U")


class Codec(Generic[T]):
    """Reads and writes values of one type again and again: what `encode` and `decode` do, prepared once.

    Args:
        form: The type: a class, a union, a container of them.
        format: "json" or "msgpack".
        unknown: What to do with unknown tags and fields; see `decode`. With "keep" the type is ``T | UnknownMessage``.

    Examples:
        >>> codec = Codec(Message, "msgpack")
        >>> codec.decode(codec.encode(UserMessage("Hello")))
        UserMessage(text='Hello')
    """

    __slots__ = ("__weakref__", "_decode", "_encode", "_form", "_format", "_unknown")

    @overload
    def __init__(
        self,
        form: TypeForm[T],
        format: Format = "json",
        *,
        unknown: Literal["refuse", "ignore"] = "refuse",
    ) -> None: ...
    @overload
    def __init__(
        self: Codec[U | UnknownMessage],
        form: TypeForm[U],
        format: Format = "json",
        *,
        unknown: Literal["keep"],
    ) -> None: ...
    def __init__(
        self,
        form: Any,  # Any: as the overloads say
        format: Format = "json",
        *,
        unknown: Unknown = "refuse",
    ) -> None:
        functions_of(format)
        self._form = form
        self._format: Format = format
        self._unknown: Unknown = unknown
        key = id(self)
        _codecs[key] = ref(self, lambda _: _codecs.pop(key, None))
        self._forget()

    @property
    def form(self) -> TypeForm[T]:
        """The type of the values."""
        return self._form  # type: ignore[no-any-return] # what it was given

    @property
    def format(self) -> Format:
        """How they are written."""
        return self._format

    @property
    def unknown(self) -> Unknown:
        """What is done with unknown tags and fields."""
        return self._unknown

    def encode(self, value: T) -> bytes:
        """Write a value, as `encode` does.

        Where nothing in values of the type can be lost, as long as they are of that type, they are not looked at.

        Raises:
            ValueError: See `miniagents.encode`.
            TypeError: See `miniagents.encode`.
        """
        try:
            return self._encode(value)
        except (UnicodeEncodeError, RecursionError, OverflowError) as error:
            _refuse(value, error)

    def decode(self, data: bytes | str) -> T:
        """Read a value, as `decode` does.

        Raises:
            DecodeError: See `miniagents.decode`.
        """
        try:
            return self._decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass
        return cast("T", _decode_slowly(data, self._form, self._format, self._unknown))  # of the type it was made for

    # --- machinery ---

    def _fast(self) -> Callable[[bytes], T]:
        """Give what decodes as long as all is well, and raises msgspec's own errors; see `_are_simple`."""
        decoder, _ = _decoder(self._form, self._format)
        return self._decode if decoder is None else decoder.decode

    def _are_simple(self, values: Sequence[object]) -> bool:
        """Tell whether values that the fast way gave need not be looked at."""
        return self._format == "json" or all(map(_is_simple, set(map(type, values))))

    def _careful(self) -> Callable[[bytes], T]:
        """Give what decodes and looks at the values."""
        return lambda data: self._decode(data)  # noqa: PLW0108  # the first value may put another one in its place

    def _forget(self) -> None:
        """Prepare anew when a value is next read or written: there are other classes than before."""
        self._encode: Callable[[T], bytes] = self._prepare_encode
        self._decode: Callable[[bytes | str], T] = self._prepare_decode

    def _prepare_encode(self, value: T) -> bytes:
        form: Any = self._format  # Any: the format
        write = functions_of(form).encode
        if is_simple_form(self._form):
            self._encode = write
        else:  # it depends on the class of each value
            self._encode = lambda value: write(value) if _simple.get(type(value)) else encode_any(value, form)
        return self._encode(value)

    def _prepare_decode(self, data: bytes | str) -> T:
        form = self._form
        decoder, is_sound = _decoder(form, self._format)
        if decoder is not None and is_sound:
            self._decode = decoder.decode
        elif decoder is not None:  # it depends on the class of each value
            read = decoder.decode

            def decode_and_look(data: bytes | str) -> T:
                value: T = read(data)
                if not _simple.get(type(value)):
                    _look_at_unpacked(value, form, data)
                return value

            self._decode = decode_and_look
        else:
            self._decode = lambda data: cast("T", _decode_slowly(data, form, self._format, self._unknown))  # as above
        return self._decode(data)


_codecs: dict[int, ref[Codec[Any]]] = {}  # Any: one for each type


def _forget_all() -> None:
    for each in tuple(_codecs.values()):
        codec = each()
        if codec is not None:
            codec._forget()


when_classes_change.append(_forget_all)

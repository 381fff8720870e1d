"""`Codec`, an encoder and decoder for many values of one type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast, overload
from weakref import ref

import msgspec

from miniagents.messages.coding.codec import UnknownMessage, check_form, check_unknown, decode_slowly
from miniagents.messages.coding.encoding import known_writers, refuse, writer_of, written_first
from miniagents.messages.coding.readers import reader_of, when_readers_change
from miniagents.messages.coding.unique_keys import refuse_repeated_keys, with_unique_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import TypeForm

    from miniagents.messages.coding.codec import Format, Unknown

__all__ = ["Codec"]

T = TypeVar("T")
U = TypeVar("U")


class Codec(Generic[T]):
    """Encodes and decodes many values of one type; does the work of `encode` and `decode`, prepared once.

    Args:
        form: The type: a class, a union, or a container of them.
        format: "json" or "msgpack".
        unknown: How to handle unknown tags and fields, as in `decode`. With "keep" the type is ``T | UnknownMessage``.
        unique_keys: Refuse an object that has a key twice, as in `decode`.

    Raises:
        TypeError: `form` is no type.
        ValueError: There is no such format, or no such way with what is unknown.

    Examples:
        >>> codec = Codec(Message, "msgpack")
        >>> codec.decode(codec.encode(UserMessage("Hello")))
        UserMessage(text='Hello')
    """

    __slots__ = ("__weakref__", "_decode", "_form", "_format", "_unique_keys", "_unknown", "_writers")

    @overload
    def __init__(
        self,
        form: TypeForm[T],
        format: Format = "json",
        *,
        unknown: Literal["refuse", "ignore"] = "refuse",
        unique_keys: bool = False,
    ) -> None: ...
    @overload
    def __init__(
        self: Codec[U | UnknownMessage],
        form: TypeForm[U],
        format: Format = "json",
        *,
        unknown: Literal["keep"],
        unique_keys: bool = False,
    ) -> None: ...
    def __init__(
        self,
        form: Any,  # Any: as the overloads say
        format: Format = "json",
        *,
        unknown: Unknown = "refuse",
        unique_keys: bool = False,
    ) -> None:
        check_form("Codec", form)
        check_unknown("Codec", unknown)
        self._writers = known_writers(format)
        self._form = form
        self._format: Format = format
        self._unknown: Unknown = unknown
        self._unique_keys = unique_keys
        key = id(self)
        _codecs[key] = ref(self, lambda _: _codecs.pop(key, None))
        self._forget_reader()

    def __repr__(self) -> str:
        form: object = self._form
        return f"<Codec of {form.__qualname__ if isinstance(form, type) else form}, {self._format}>"

    @property
    def form(self) -> TypeForm[T]:
        """The type of the values."""
        return self._form  # type: ignore[no-any-return] # what it was given

    @property
    def format(self) -> Format:
        """The format of the encoded values."""
        return self._format

    @property
    def unknown(self) -> Unknown:
        """How `decode` handles unknown tags and fields."""
        return self._unknown

    @property
    def unique_keys(self) -> bool:
        """Whether `decode` refuses an object that has a key twice."""
        return self._unique_keys

    def encode(self, value: T) -> bytes:
        """Encode a value, like `miniagents.encode`.

        Unlike there, fields that are not declared as float are not searched for NaN.

        Raises:
            ValueError: The value contains NaN, infinity or a lone surrogate; see `miniagents.encode` for other reasons.
            TypeError: A part of the value is not JSON-serialisable, or would be decoded as something else.
        """
        try:
            return self._writers[type(value)](value)
        except KeyError:  # the class has no writer yet
            pass
        except (UnicodeEncodeError, RecursionError, OverflowError) as error:
            refuse(value, error)
        return written_first(value, writer_of(type(value), self._format))

    def decode(self, data: bytes | str) -> T:
        """Decode a value, like `miniagents.decode`.

        Raises:
            DecodeError: The data is not of that format or type; the error has the path.
        """
        read = self._decode  # calling the attribute itself takes longer on Python 3.11
        try:
            return read(data)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            pass
        value = cast("T", decode_slowly(data, self._form, self._format, self._unknown))  # of the type it was made for
        if self._unique_keys:
            refuse_repeated_keys(data, self._format)
        return value

    # --- machinery ---

    def _fast(self) -> Callable[[bytes | str], T]:
        """Return a function that decodes valid data and raises msgspec's own errors."""
        read = reader_of(self._form, self._format)
        return with_unique_keys(read, self._format) if self._unique_keys else read

    def _forget_reader(self) -> None:
        """Ask for the reader again at the next call, because it is outdated."""
        self._decode: Callable[[bytes | str], T] = self._read_first

    def _read_first(self, data: bytes | str) -> T:
        self._decode = self._fast()
        return self._decode(data)


_codecs: dict[int, ref[Codec[Any]]] = {}  # Any: one for each type


def _forget_readers() -> None:
    for each in tuple(_codecs.values()):
        codec = each()
        if codec is not None:
            codec._forget_reader()


when_readers_change.append(_forget_readers)

"""`SchemaCodec`, which decodes and encodes the types of a generated module exactly as its schema demands.

There are two ways to decode. The fast one is a decoder of msgspec. It serves types that are *sound*: the schema accepts
everything that msgspec accepts for them. The exact way parses plain JSON, checks it against the schema and builds
values. It serves all other types, and valid data that msgspec refuses, such as 1.0 for an integer or undeclared
properties of an open object. So the codec accepts exactly what the schema accepts, and only data that msgspec refuses
is slower.
"""

from __future__ import annotations

import collections.abc
import json
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin

import msgspec

from miniagents.messages import _generated
from miniagents.messages.coding.building import RefusedError, build, can_build
from miniagents.messages.coding.codec import encode
from miniagents.messages.coding.codec_hazards import breaks_msgspec
from miniagents.messages.coding.decode_errors import DecodeError, UnknownFormError
from miniagents.messages.coding.json_text import read_json
from miniagents.messages.coding.planning import PLANNER, Planner
from miniagents.messages.coding.plans import Foreign
from miniagents.messages.coding.rebuilding import convert_message
from miniagents.messages.coding.type_shapes import bare, flat_members, is_message_class, is_union, kind_of, unnamed
from miniagents.messages.values.freezers import is_frozen_when_decoded
from miniagents.messages.values.freezing import FrozenDict, FrozenType, freeze, path_of
from miniagents.messages.values.frozen import Frozen
from miniagents.messages.values.record import NAMESPACE, Extras

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from typing_extensions import TypeForm

    from miniagents.validation import Validator

__all__ = ["SchemaCodec"]

T = TypeVar("T")


class SchemaCodec:
    """Decodes and encodes the types of one generated module, which creates its codec on its last lines.

    Creating a codec is cheap: schemas are parsed and decoders are made when they are first needed.

    A decoded value always fits its schema, and is encoded as JSON equal to the JSON it was decoded from. Constructors
    and `encode` do not check values against the schema. To check one, call ``decode(encode(value), Type)``.

    Args:
        schemas: The schemas of the module as JSON, by name. Each `$ref` in them is "#/$defs/" and a name, or names a
            type of this library, such as "miniagents:Message".
        types: The types of the schemas, by name. The type of a part of a schema has the name and the JSON pointer of
            the part, such as "Tool#/properties/inputSchema". A type that is not a class has a `SchemaName`, because
            Python takes two aliases of one type for the same.
        sound: The names of the types whose schemas accept everything that msgspec accepts.
        namespace: Distinguishes the records of this module from records of other modules with the same names. It stands
            before the name of the class in the canonical form from which `hash_key` is computed.

    Examples:
        >>> class Point(Record, frozen=True, kw_only=True):
        ...     x: int
        >>> schema = '{"type": "object", "properties": {"x": {"type": "integer", "minimum": 0}}, "required": ["x"]}'
        >>> codec = SchemaCodec({"Point": schema}, {"Point": Point})
        >>> codec.decode(b'{"x": 1.0}', Point)
        Point(x=1)
        >>> codec.decode(b'[{"x": -1}]', tuple[Point, ...])
        Traceback (most recent call last):
            ...
        miniagents.messages.coding.decode_errors.DecodeError: $[0].x: Expected a number of at least 0; got -1 (minimum)
        >>> codec.encode(Point(x=2))
        b'{"x":2}'
    """

    def __init__(
        self,
        schemas: Mapping[str, str],
        types: Mapping[str, object],
        *,
        sound: Collection[str] = (),
        namespace: str = "",
    ) -> None:
        self._texts = schemas
        self._types = types
        self._sound = frozenset(sound)
        self._readers: dict[object, Callable[[Any], Any]] = {}  # Any: one for each type
        self._exact: dict[object, Callable[[Any], Any]] = {}  # Any: one for each type
        self._names: dict[object, list[str]] = {}
        self._validator: Validator | None = None
        self._planner = Planner(self, convert_message)
        for cls in types.values():
            if isinstance(cls, FrozenType) and PLANNER not in vars(cls):
                setattr(cls, PLANNER, self._planner)
                if namespace and cls.is_record:
                    setattr(cls, NAMESPACE, namespace)

    def decode(self, data: bytes | str, form: TypeForm[T], /) -> T:
        """Decode a value of the type `form` from JSON.

        If the data has a property twice, the exact way raises and the fast way keeps the last one.

        Args:
            data: The JSON, in UTF-8.
            form: A type of the module, a union of such types, or a container of them such as ``tuple[Tool, ...]``.

        Raises:
            DecodeError: The data is not JSON, or the schema refuses it; the error has the path and the keyword that
                refuses it. Or the data contains a lone surrogate or a number too large for a float, or is nested deeper
                than Python's recursion limit.
            TypeError: `form` is not a type of the module.
        """
        try:
            return self._readers[form](data)  # type: ignore[no-any-return] # of the type that the reader is for
        except (KeyError, msgspec.MsgspecError, UnicodeError, RecursionError):
            pass
        return self._read_exactly(data, form)  # type: ignore[return-value] # pyright: ignore[reportReturnType] # as above

    encode: Callable[[object], bytes] = staticmethod(encode)
    """Encode a value, or a container of values, as JSON; this is `miniagents.encode` itself."""

    # For planners ---------------------------------------------------------------------------------------------

    def schema_of(self, form: object) -> _Schema | None:
        """Return the schema of a type of the module, or None for any other type."""
        name = self._name_of(form)
        return None if name is None else _Schema(self, name)

    def is_sound(self, form: object) -> bool:
        """Return whether the schema of a type of the module accepts everything that msgspec accepts for the type."""
        name = self._name_of(form)
        return name is not None and not self._sound.isdisjoint((name, name.partition("#")[0]))

    def validator(self) -> Validator:
        """Return the validator of the schemas; it is made at the first call."""
        if self._validator is None:
            from miniagents.validation import Validator  # noqa: PLC0415  # many programs never need it

            definitions = {name: json.loads(text) for name, text in self._texts.items()}
            self._validator = Validator(definitions, _library_types())
        return self._validator

    def _name_of(self, form: object) -> str | None:
        if not self._names:
            for name, known in self._types.items():
                self._names.setdefault(known, []).append(name)
        try:
            names = self._names.get(form, [])
        except TypeError:  # the type has arguments that cannot be hashed
            return None
        if not names:
            return None
        if not isinstance(form, FrozenType) and len({self._texts.get(name, name) for name in names}) > 1:
            raise TypeError(
                f"{' and '.join(names)} are one type for Python, {_shown(form)}, but not one schema: generate the "
                "module again, so that each alias has its own `SchemaName`"
            )
        return names[0]

    # Reading ---------------------------------------------------------------------------------------------------------

    def _read_exactly(self, data: bytes | str, form: object) -> object:
        if form not in self._exact:
            self._prepare(form)
            try:
                return self._readers[form](data)
            except (msgspec.MsgspecError, UnicodeError, RecursionError):
                pass
        return self._exact[form](data)

    def _prepare(self, form: object) -> None:
        """Return the function that decodes a type, after a check that it is a type of the module."""
        if self.schema_of(form) is None and not self._is_made_of_types(form):
            raise TypeError(
                f"{_shown(form)} is no type of this module; its types are: "
                f"{', '.join(name for name in self._types if '#' not in name)}"
            )
        plan = self._planner.plan(form, checked=True)

        def exact(data: bytes | str) -> object:
            return build(plan, read_json(data))

        self._exact[form] = exact
        self._readers[form] = self._fast(form) or exact

    def _is_made_of_types(self, form: object) -> bool:
        """Return whether a type is a union or container of types of the module, with or without scalars."""
        inner = bare(form)
        if unnamed(form) is not form or not (is_union(inner) or kind_of(inner) in _CONTAINERS):
            return False  # an alias that has no schema here is of another module
        parts = [part for part in get_args(inner) if part is not ... and not _is_scalar(part)]
        return bool(parts) and all(self.schema_of(part) or self._is_made_of_types(part) for part in parts)

    def _fast(self, form: object) -> Callable[[Any], Any] | None:  # Any: of the type `form`
        """Return the fast way to decode a type, or None if there is none."""
        strict = self._strict(form)
        if strict is None or breaks_msgspec(form):
            return None
        try:
            read = msgspec.json.Decoder(strict).decode
        except TypeError:  # a union that msgspec cannot tell apart
            return None
        if is_frozen_when_decoded(form, Frozen):
            return read
        return (lambda data: freeze(read(data))) if self.is_sound(form) else None

    def _strict(self, form: Any) -> Any:  # Any: a type of whatever kind
        """Return a type for which msgspec requires all tags, or None if the type or a part of it is not sound.

        msgspec requires the tag of a class only in a union of several classes. So a single class is put into a union
        with a class that no data fits.
        """
        if self.is_sound(form):
            tagged = [cls for cls in _classes(form) if cls.is_record and cls.__struct_config__.tag is not None]
            return form if len(tagged) != 1 else form | _beside(tagged[0])
        if self.schema_of(form) is not None:
            return None
        inner = bare(form)
        if kind_of(inner) in _SCALARS:
            return form
        arguments = get_args(inner)
        if not arguments:
            return None
        parts = [part if part is ... else self._strict(part) for part in arguments]
        if any(part is None for part in parts):
            return None
        generic: Any = Union if is_union(inner) else get_origin(inner)  # Any: what has had arguments takes them
        return generic[tuple(parts)]


class _Schema:
    """The schema of one type of a module."""

    def __init__(self, codec: SchemaCodec, key: str) -> None:
        self._codec = codec
        self._name, _, self._pointer = key.partition("#")

    def accepts(self, raw: Any) -> bool:  # Any: plain JSON
        return self._codec.validator().accepts(self._name, raw, self._pointer)

    def refusal(self, raw: Any) -> RefusedError | None:  # Any: plain JSON
        violation = self._codec.validator().violation(self._name, raw, self._pointer)
        if violation is None:
            return None
        kind = UnknownFormError if violation.keyword in _ABOUT_UNKNOWN else DecodeError
        return RefusedError(f"{violation.message} ({violation.keyword})", path_of("", violation.path), kind)


_ABOUT_UNKNOWN = frozenset(("additionalProperties", "unevaluatedProperties"))
_SCALARS = frozenset((type(None), bool, int, float, str))
_CONTAINERS = frozenset(
    (tuple, list, dict, frozenset, set, FrozenDict, collections.abc.Mapping, collections.abc.Sequence)
)


def _is_scalar(form: object) -> bool:
    """Return whether a type is a scalar of Python, and no alias of a generated module."""
    return kind_of(bare(form)) in _SCALARS and unnamed(form) is form


def _classes(form: object) -> Iterator[type[Frozen]]:
    """Yield the classes that a type names at its top level."""
    for member in flat_members(bare(form)):
        kind = kind_of(bare(member))
        if is_message_class(kind):
            yield kind


def _beside(cls: type[Frozen]) -> type[msgspec.Struct]:
    """Make a class with the tag field of another class, which no data fits."""
    tag = cls.__struct_config__.tag
    other = f"not {tag}" if isinstance(tag, str) else (tag or 0) + 1
    return msgspec.defstruct(
        "_Beside", [("never", Extras[object])], tag_field=cls.__struct_config__.tag_field, tag=other
    )


def _library_types() -> dict[str, Callable[[Any], bool]]:  # Any: plain JSON
    """Return, by name, functions that tell whether data is of a type of this library, for references to these types."""
    types = {name: getattr(_generated, name) for name in _generated.__all__}
    return {f"miniagents:{name}": partial(_is_of, form) for name, form in types.items()}


def _is_of(form: object, raw: object) -> bool:
    return can_build(Foreign(lambda part: convert_message(part, form)), raw)


def _shown(form: object) -> str:
    return form.__qualname__ if isinstance(form, type) and not get_args(form) else str(form)

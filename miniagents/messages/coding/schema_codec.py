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
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar, get_args

import msgspec

from miniagents.messages import _generated
from miniagents.messages.coding.building import RefusedError, build, can_build
from miniagents.messages.coding.codec import encode
from miniagents.messages.coding.codec_hazards import breaks_msgspec
from miniagents.messages.coding.decode_errors import DecodeError, UnknownFormError
from miniagents.messages.coding.json_text import read_json
from miniagents.messages.coding.makers import UNTYPED, Makers, UnreadableError
from miniagents.messages.coding.msgspec_hooks import made_of_json, made_of_msgpack, refuse_other
from miniagents.messages.coding.native_types import NoNativeTypeError
from miniagents.messages.coding.planning import PLANNER, Planner
from miniagents.messages.coding.plans import Foreign
from miniagents.messages.coding.readers import _making
from miniagents.messages.coding.readings import Readings
from miniagents.messages.coding.rebuilding import convert_message
from miniagents.messages.coding.schema_names import identity_of
from miniagents.messages.coding.schema_tables import complete
from miniagents.messages.coding.type_shapes import (
    bare,
    flat_members,
    has_messages,
    is_a,
    is_array_kind,
    is_message_class,
    is_union,
    kind_of,
    unnamed,
)
from miniagents.messages.values.freezers import is_frozen_when_decoded
from miniagents.messages.values.freezing import FrozenDict, FrozenType, class_of, freeze, path_of
from miniagents.messages.values.frozen import Frozen
from miniagents.messages.values.record import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from typing_extensions import TypeForm

    from miniagents.messages.coding.schema_tables import SchemaTable
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
            type of this library, such as "miniagents:Message". A schema is missing if its type says all of it, and a
            part is null if a class or a field says it.
        types: The types of the schemas, by name. The type of a part of a schema has the name and the JSON pointer of
            the part, such as "Tool#/properties/inputSchema". A type that is not a class has a `SchemaName`, because
            Python takes two aliases of one type for the same.
        sound: The names of the types whose schemas accept everything that msgspec accepts.
        checked: The names of the types whose schemas say more than their fields. In all others, msgspec only cannot
            tell some objects apart. None: all types that are not sound.
        checked_extras: The names of the classes whose schemas say more of undeclared properties than the type of
            `extra_properties`. It counts only if `checked` is given.
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
        checked: Collection[str] | None = None,
        checked_extras: Collection[str] = (),
        namespace: str = "",
    ) -> None:
        self._texts = schemas
        self._types = types
        self._sound = frozenset(sound)
        self._checked = None if checked is None else frozenset(checked)
        self._checked_extras = frozenset(checked_extras)
        self._readers: dict[object, Callable[[Any], Any]] = {}  # Any: one for each type, see `_key_of`
        self._ways: dict[object, _Ways] = {}
        self._makers = Makers(self)
        self._readings = Readings(self, self._makers)
        self._names: dict[object, list[str]] = {}
        self._validator: Validator | None = None
        self._planner = Planner(self, convert_message)
        for cls in types.values():
            if not isinstance(cls, FrozenType) or cls.__module__ == _generated.Message.__module__:
                continue  # the module only refers to such a class
            if PLANNER not in vars(cls):
                setattr(cls, PLANNER, self._planner)
                if namespace and cls.is_record:
                    setattr(cls, NAMESPACE, namespace)

    def __repr__(self) -> str:
        return f"<SchemaCodec of {', '.join(self._types):.80}>"

    @classmethod
    def of_modules(cls, *tables: SchemaTable, namespace: str = "") -> SchemaCodec:
        """Return the codec of a package.

        Args:
            tables: The tables of its modules, all of which are imported.
            namespace: Distinguishes its records from others with the same names.
        """
        complete(tables)
        return cls(
            {name: text for table in tables for name, text in table.schemas.items()},
            {name: form for table in tables for name, form in table.types.items()},
            sound=[name for table in tables for name in table.sound],
            checked=[name for table in tables for name in table.checked],
            checked_extras=[name for table in tables for name in table.checked_extras],
            namespace=namespace,
        )

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
        read = None
        try:
            # hashing an alias takes longer than decoding a short value
            read = self._readers[id(form) if class_of(form) is _ALIAS else form]
            return read(data)  # type: ignore[no-any-return] # of the type that the reader is for
        except _REFUSALS:
            pass
        return self._read_slowly(data, form, read)  # type: ignore[return-value] # pyright: ignore[reportReturnType] # as above

    encode: Callable[[object], bytes] = staticmethod(encode)
    """Encode a value, or a container of values, as JSON; this is `miniagents.encode` itself."""

    # --- machinery ---

    def schema_of(self, form: object) -> _Schema | None:
        """Return the schema of a type of the module, or None for any other type."""
        name = self._name_of(form)
        return None if name is None else _Schema(self, name)

    def schema_at(self, key: str) -> _Schema:
        """Return a part of the schemas by its key: a name, "#" and a JSON pointer."""
        return _Schema(self, key)

    def is_sound(self, form: object) -> bool:
        """Return whether the schema of a type of the module accepts everything that msgspec accepts for the type."""
        name = self._name_of(form)
        return name is not None and not self._sound.isdisjoint((name, name.partition("#")[0]))

    def native(self, form: object) -> tuple[Callable[[Any], Any], ...]:  # Any: from JSON to a value of the type
        """Return the ways to decode a type by msgspec, the fastest first; none if the type is not of this module."""
        try:
            return (self._ways.get(form) or self._prepare(form)).native
        except TypeError:
            return ()

    def unpacking(self, form: object) -> Callable[[Any], Any] | None:  # Any: from MessagePack to such a value
        """Return the way to decode a type from MessagePack by msgspec, or None if there is none."""
        if not self.native(form):
            return None
        try:
            native = Readings(self, self._makers, plain=True).of(form)
            decode = msgspec.msgpack.Decoder(native, dec_hook=made_of_msgpack).decode
        except (TypeError, NoNativeTypeError, UnreadableError):
            return None
        return decode if is_frozen_when_decoded(form, Frozen) else lambda data: freeze(decode(data))

    def unpacking_open(self, form: object) -> Callable[[Any], Any] | None:  # Any: from MessagePack to such a value
        """Return the way to decode a type with undeclared properties from MessagePack, or None if there is none."""
        if len(self.native(form)) < 2:
            return None
        make = self._makers.of(form)
        is_frozen = is_frozen_when_decoded(form, Frozen)

        def unpack(data: bytes) -> object:
            raw = _unpack_plain(data)
            try:
                refuse_other(raw)
            except ValueError as error:
                raise msgspec.ValidationError(str(error)) from None
            made = make(raw)
            return made if is_frozen else freeze(made)

        return unpack

    def is_own(self, cls: type[Frozen]) -> bool:
        """Return whether a class is of the module."""
        return self._name_of(cls) is not None

    def is_checked(self, form: object) -> bool:
        """Return whether a type is not sound, because its schema says more than its fields."""
        name = self._name_of(form)
        return name is not None and (not self.is_sound(form) if self._checked is None else name in self._checked)

    def checks_extras(self, cls: type[Frozen]) -> bool:
        """Return whether undeclared properties of a class are checked against its schema."""
        return self._checked is None or self._name_of(cls) in self._checked_extras

    def builder(self, form: object) -> Callable[[Any], Any]:  # Any: plain JSON, and a value of the type
        """Return the function that builds a value of a type from plain JSON, which it checks against the schema."""
        return partial(build, self._planner.plan(form, checked=True))

    def validator(self) -> Validator:
        """Return the validator of the schemas; it is made at the first call."""
        if self._validator is None:
            # many programs never need these
            from miniagents.messages.coding.said_by_types import SaidByTypes  # noqa: PLC0415
            from miniagents.validation import Validator  # noqa: PLC0415
            from miniagents.validation.said import fill  # noqa: PLC0415

            definitions = {name: json.loads(text) for name, text in self._texts.items()}
            fill(definitions, self._types, SaidByTypes(self._types))
            self._validator = Validator(definitions, _library_types())
        return self._validator

    def _name_of(self, form: object) -> str | None:
        if not self._names:
            for name, known in self._types.items():
                self._names.setdefault(identity_of(known), []).append(name)
        try:
            names = self._names.get(identity_of(form), [])
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

    def _read_slowly(self, data: bytes | str, form: object, tried: object) -> object:
        """Decode data that the reader in use did not decode, or raise a `DecodeError` that says what is wrong."""
        ways = self._ways.get(form) or self._prepare(form)
        for read in ways.native:
            if read is not tried:
                try:
                    made = read(data)
                except _REFUSALS:
                    continue
                self._readers[ways.key] = read  # the next data is probably similar
                return made
        return ways.exact(data)

    def _prepare(self, form: object) -> _Ways:
        """Return the ways to decode a type, after a check that it is a type of the module."""
        if self.schema_of(form) is None and not self._is_made_of_types(form):
            raise TypeError(
                f"{_shown(form)} is no type of this module; its types are: "
                f"{', '.join(name for name in self._types if '#' not in name)}"
            )
        build_exactly = self.builder(form)

        def exact(data: bytes | str) -> object:
            return build_exactly(read_json(data))

        with _making:
            key = self._key_of(form)
            ways = self._ways[form] = _Ways(tuple(self._new_ways(form, key)), exact, key)
        self._readers[key] = (*ways.native, ways.exact)[0]
        return ways

    def _key_of(self, form: object) -> object:
        """Return what stands for a type in a dict: for an alias of the module, which lives as long as it, its id."""
        return id(form) if any(form is known for known in self._types.values()) and class_of(form) is _ALIAS else form

    def _new_ways(self, form: object, key: object) -> Iterator[Callable[[Any], Any]]:  # Any: as above
        """Yield the ways to decode a type by msgspec."""
        if breaks_msgspec(form) or self._needs_plan(form):
            return
        is_frozen = is_frozen_when_decoded(form, Frozen)
        try:
            decode = msgspec.json.Decoder(self._readings.of(form), dec_hook=made_of_json).decode
        except (TypeError, UnreadableError):  # TypeError: of a part that stands as it is declared
            return

        def decode_and_freeze(data: bytes | str) -> object:
            return freeze(decode(data))

        fast = decode if is_frozen else decode_and_freeze
        yield fast
        try:
            make = self._makers.of(form)
        except (TypeError, UnreadableError):
            return

        def decode_open(data: bytes | str) -> object:
            self._makers.met_extras = False
            made = make(_decode_plain(data))
            if not self._makers.met_extras:
                self._readers[key] = fast
            return made if is_frozen else freeze(made)

        yield decode_open

    def _needs_plan(self, form: object) -> bool:
        """Return whether a part of a type is checked against its schema, or is a union that only a plan can tell apart.

        The generator has answered both for the types of the module, and `checked` names them.
        """
        if self.schema_of(form) is not None:
            return self.is_checked(form)
        return _overlaps(form) or any(self._needs_plan(part) for part in get_args(bare(form)) if part is not ...)

    def _is_made_of_types(self, form: object) -> bool:
        """Return whether a type is a union or container of types of the module, with or without scalars."""
        inner = bare(form)
        if unnamed(form) is not form or not (is_union(inner) or kind_of(inner) in _CONTAINERS):
            return False  # an alias that has no schema here is of another module
        parts = [part for part in get_args(inner) if part is not ... and not _is_scalar(part)]
        return bool(parts) and all(self.schema_of(part) or self._is_made_of_types(part) for part in parts)


class _Ways(NamedTuple):
    """The ways to decode a type."""

    native: tuple[Callable[[Any], Any], ...]  # Any: one for each type
    """Those by msgspec, which may refuse data that the schema accepts: the fastest first."""
    exact: Callable[[Any], Any]  # Any: as above
    """The one that accepts all that the schema accepts, and whose errors say what is wrong."""
    key: object
    """Stands for the type in a dict of readers."""


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


_ALIAS: Any = type(Annotated[None, ""])  # Any: a class that `typing` hides
_decode_plain = msgspec.json.Decoder().decode
_unpack_plain = msgspec.msgpack.Decoder().decode
_REFUSALS = (KeyError, msgspec.MsgspecError, UnicodeError, RecursionError)
"""What is raised by a way to decode that cannot, or does not yet exist."""
_ABOUT_UNKNOWN = frozenset(("additionalProperties", "unevaluatedProperties"))
_SCALARS = frozenset((type(None), bool, int, float, str))
_CONTAINERS = frozenset(
    (tuple, list, dict, frozenset, set, FrozenDict, collections.abc.Mapping, collections.abc.Sequence)
)


def _overlaps(form: object) -> bool:
    """Return whether an object or array may be of several members of a union, besides classes of objects."""
    if not (is_union(bare(form)) and has_messages(form)):
        return False
    kinds = [kind for member in flat_members(bare(form)) if (kind := kind_of(bare(member))) is not None]
    objects = any(map(is_message_class, kinds)) + sum(is_a(kind, collections.abc.Mapping) for kind in kinds)
    return objects > 1 or sum(map(is_array_kind, kinds)) > 1 or not set(UNTYPED).isdisjoint(kinds)


def _is_scalar(form: object) -> bool:
    """Return whether a type is a scalar of Python, and no alias of a generated module."""
    return kind_of(bare(form)) in _SCALARS and unnamed(form) is form


def _library_types() -> dict[str, Callable[[Any], bool]]:  # Any: plain JSON
    """Return, by name, functions that tell whether data is of a type of this library, for references to these types."""
    types = {name: getattr(_generated, name) for name in _generated.__all__}
    return {f"miniagents:{name}": partial(_is_of, form) for name, form in types.items()}


def _is_of(form: object, raw: object) -> bool:
    return can_build(Foreign(lambda part: convert_message(part, form)), raw)


def _shown(form: object) -> str:
    return form.__qualname__ if isinstance(form, type) and not get_args(form) else str(form)

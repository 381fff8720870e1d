"""Functions that freeze the fields of Frozen classes, chosen by the annotations of the fields.

Creating a message runs this code, and so does most decoding. So each class gets a function compiled for exactly the
fields that need freezing. It tests for the declared types first, and calls the slower freezers only for other values.
"""

from __future__ import annotations

import collections.abc
import sys
import types
from collections.abc import Mapping
from datetime import datetime, time
from decimal import Decimal
from enum import Enum
from keyword import iskeyword
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Final,
    ForwardRef,
    Literal,
    NamedTuple,
    TypeAlias,
    Union,
    get_args,
    get_origin,
)

import msgspec
from typing_extensions import evaluate_forward_ref

from miniagents.messages.values.freezing import (
    JSON_FLAT,
    UNCHANGED,
    FrozenDict,
    FrozenType,
    JsonValue,
    class_of,
    freeze_field,
    frozen_quickly,
    note_json,
    path_of,
)
from miniagents.messages.values.surrogates import NO_TEXT, surrogate_in
from miniagents.messages.values.untyped import is_plain, note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Freezer: TypeAlias = "Callable[[object, type, str], object]"
"""A function of a value, the class of the field and the name of the field; it returns the value to store."""


def _float_field(value: object, owner: type, name: str) -> object:
    """Freeze a field declared as float and not as int: an int becomes a float, as decoding would make it."""
    if isinstance(value, int) and not isinstance(value, Enum):
        number = _to_float(value)
        if number != value:
            raise ValueError(f"{owner.__qualname__}.{name}: {value} has no equal float: declare the field as int")
        return number
    return freeze_field(value, owner, name)


def _untyped_field(value: object, owner: type, name: str) -> object:
    """Freeze a field that may hold anything, and note on its class if it is anything but plain JSON."""
    frozen = frozen_quickly(value, JSON_FLAT)
    if frozen is None:
        frozen = value if type(value) in UNCHANGED else freeze_field(value, owner, name)
        if not is_plain(frozen):
            note(owner, name)
    elif type(value) is dict:
        note_json(frozen, True)
    return frozen


def _to_float(value: int) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


_PLAIN = UNCHANGED - {FrozenDict}
_NEED_LOOKING_AT = frozenset((Decimal, datetime, time))


class Exact(NamedTuple):
    """Types whose values are frozen as they are."""

    kinds: frozenset[type]
    """Exactly these classes, without their subclasses."""
    floats: bool
    """Whether finite floats are frozen as well."""
    json: bool = False
    """Whether FrozenDicts of plain JSON are frozen as well."""


_NOTHING = Exact(frozenset(), floats=False)


class OwnFreezer(NamedTuple):
    """How a field of a certain name is frozen, whatever its annotation asks for."""

    freeze: Freezer
    empty: FrozenDict[str, Any]  # Any: it is empty
    """What an absent field reads as; decoding gives the field nothing else."""


class FieldFreezer(NamedTuple):
    """How a field is frozen."""

    freeze: Freezer
    exact: Exact
    """The values that need no freezer."""
    items: Exact | None = None
    """The items of tuples that need no freezer; None if all tuples need it."""
    empty: FrozenDict[str, Any] | None = None  # Any: it is empty
    """What the field reads as where it is absent, which alone needs no freezer then; see `Emptiness`."""


class Freezing(NamedTuple):
    """What an annotation says of the freezing of its field."""

    freezer: FieldFreezer | None
    """How the field is frozen; None if it holds only plain scalars."""
    is_decoded_frozen: bool
    """Whether every value that msgspec decodes for the annotation is frozen already."""
    has_text: bool
    """Whether a value may contain text outside messages and records."""


def freezing_of(annotation: object, cls: type) -> Freezing:
    """Return how a field of a class is frozen; the answers for annotations of built-in types alone are cached."""
    if isinstance(annotation, (str, ForwardRef)):
        annotation = _evaluated(annotation, cls)  # once for all questions below
    try:
        known = _known.get(annotation)
    except TypeError:  # the annotation has arguments that cannot be hashed
        known = None
    if known is None:
        kinds: tuple[Any, ...] = (annotation,)  # Any: types of whatever kind
        if get_origin(annotation) in _UNIONS:
            kinds = get_args(annotation)
        if all(isinstance(kind, FrozenType) or kind is msgspec.UnsetType for kind in kinds):  # as the rest would find
            return Freezing(
                FieldFreezer(freeze_field, Exact(frozenset(kinds), floats=False)),
                is_decoded_frozen=True,
                has_text=False,
            )
        known = Freezing(
            freezer_of(annotation, cls), is_frozen_when_decoded(annotation, cls), may_hold_text(annotation, cls)
        )
        if _is_built_in(annotation):
            _known[annotation] = known
    return known


_known: dict[object, Freezing] = {}
_UNIONS = (Union, types.UnionType)


def _is_built_in(annotation: object) -> bool:
    """Return whether an annotation can be hashed and names no class that a program may define."""
    arguments = get_args(annotation)
    kind = get_origin(annotation) or annotation
    return kind in _BUILT_IN and all(argument is ... or _is_built_in(argument) for argument in arguments)


_BUILT_IN = frozenset((type(None), bool, int, float, str, tuple, Mapping, Union, types.UnionType, msgspec.UnsetType))


def freezer_of(annotation: object, cls: type, own: OwnFreezer | None = None) -> FieldFreezer | None:
    """Return how a field is frozen, or None if the field holds only plain scalars.

    Args:
        annotation: The annotation of the field.
        cls: The class of the field.
        own: A freezer to use instead of the one that the annotation asks for.
    """
    alternatives = list(alternatives_of(annotation, cls))
    if all(alternative in _PLAIN or _is_enum(alternative) for alternative in alternatives):
        return None
    if own is not None:
        return FieldFreezer(own.freeze, _NOTHING, empty=own.empty)
    if not is_typed(annotation, cls):
        whole = list(alternatives_of(annotation, cls, whole=True))
        declared = all(get_origin(alternative) or _is_typed_kind(alternative) for alternative in whole)
        kinds = frozenset(kind for kind in whole if declared and isinstance(kind, FrozenType))
        json = Exact(JSON_FLAT, floats=True, json=True)
        return FieldFreezer(_untyped_field, json._replace(kinds=kinds | JSON_FLAT | {msgspec.UnsetType}), json)
    freeze: Freezer = freeze_field
    if float in alternatives and int not in alternatives and not _NEED_LOOKING_AT.intersection(alternatives):
        freeze = _float_field
    items: Exact | None = None
    for alternative in alternatives_of(annotation, cls, whole=True):
        if get_origin(alternative) is tuple and get_args(alternative)[1:] == (...,):
            exact = _exact(alternatives_of(get_args(alternative)[0], cls))
            items = exact._replace(
                kinds=exact.kinds - {msgspec.UnsetType}
            )  # UNSET is allowed as a whole field only, not inside a container
    exact = _exact(alternatives)
    exact = exact._replace(kinds=exact.kinds - {FrozenDict})  # it may hold other values than declared
    return FieldFreezer(freeze, exact, items)


def _exact(alternatives: Iterable[Any]) -> Exact:  # Any: as `alternatives_of` gives them
    known = set(alternatives)
    kinds = {kind for kind in known if kind in _PLAIN or isinstance(kind, FrozenType) or _is_enum(kind)}
    if object in known:
        kinds |= UNCHANGED
    return Exact(frozenset(kinds), float in known)


def freeze_fields(
    fields: Mapping[str, FieldFreezer],
    then: Callable[[Any], None] | None,  # Any: as it gives
    lines_of: Callable[[Mapping[str, FieldFreezer], dict[str, object]], list[str]],
) -> Callable[[Any], None]:  # Any: messages of the class that has the fields
    """Make the function that freezes these fields of a new value and then calls `then`.

    Its source is generated and compiled, as in `dataclasses`. Compared with a loop over the fields, creating a message
    of six fields is 1.7 times as fast, and decoding one 1.5 times. It is compiled by its first call: programs that
    import hundreds of classes use few of them, and compiling took half the time of the import.

    Args:
        fields: The fields.
        then: The function to call at the end; None for none.
        lines_of: The function that writes the lines of the source; see `freezing_lines`.
    """
    names: dict[str, object] = {"then": then}

    def compiled() -> types.CodeType:
        lines = lines_of(fields, names)
        if then is not None:
            lines += ["then(self)"]
        return function(lines, names, "__post_init__(self)").__code__

    names["compiled"] = compiled
    names["made"] = made = types.FunctionType(_COMPILED_BY_FIRST_CALL, names)
    return made


def attribute(name: str, of: str = "value") -> str:
    """Return Python source that reads a field. A name that is no identifier does not become code."""
    is_code = name.isascii() and name.isidentifier() and not iskeyword(name)
    return f"{of}.{name}" if is_code else f"getattr({of}, {name!r})"


def function(
    lines: Iterable[str], names: dict[str, object], head: str = "function(value)"
) -> Callable[..., Any]:  # Any: as the source says
    """Return a function whose body consists of lines of Python source.

    Args:
        lines: The lines, without indentation at the outermost level. Nothing but names of fields may come from outside:
            through `attribute` and `repr`.
        names: The values of the other names in the source.
        head: The name and the parameters of the function.
    """
    source = "\n ".join((f"def {head}:", *lines))
    exec(source, names)  # noqa: S102  # see the arguments
    made: Any = names[head.partition("(")[0]]  # Any: as the source says
    return made  # type: ignore[no-any-return] # as above


_COMPILED_BY_FIRST_CALL: Final = function(
    ["made.__code__ = compiled()", "made(self)"], {}, "__post_init__(self)"
).__code__


def is_frozen_when_decoded(annotation: object, cls: type) -> bool:
    """Return whether every value that msgspec decodes for this annotation is frozen already."""
    for alternative in alternatives_of(annotation, cls, whole=True):
        origin = get_origin(alternative)
        if origin is tuple or origin is frozenset:
            arguments = [argument for argument in get_args(alternative) if argument is not ...]
            if not all(is_frozen_when_decoded(argument, cls) for argument in arguments):
                return False
        elif not (alternative in _FROZEN_WHEN_DECODED or isinstance(alternative, FrozenType) or _is_enum(alternative)):
            return False
    return True


_FROZEN_WHEN_DECODED = _PLAIN | {float, datetime, time}


def may_hold_text(annotation: object, cls: type) -> bool:
    """Return whether a value may contain text outside messages and records; if in doubt it may."""
    for alternative in alternatives_of(annotation, cls, whole=True):
        arguments = [argument for argument in get_args(alternative) if argument is not ...]
        if arguments:
            if any(may_hold_text(argument, cls) for argument in arguments):
                return True
        elif not (alternative in NO_TEXT or isinstance(alternative, FrozenType) or _is_enum(alternative)):
            return True
    return False


def is_typed(annotation: object, cls: type) -> bool:
    """Return whether a type says what every part of its values is; if in doubt it does not."""
    for alternative in alternatives_of(annotation, cls, whole=True):
        kind, arguments = get_origin(alternative), [each for each in get_args(alternative) if each is not ...]
        if kind in _TYPED_MAPPINGS and len(arguments) == 2:
            if len(list(alternatives_of(arguments[0], cls))) != 1:  # msgspec decodes the keys of a union as strings
                return False
        elif kind not in _TYPED_COLLECTIONS or not arguments:
            arguments = []
            if not _is_typed_kind(alternative):
                return False
        if not all(is_typed(argument, cls) for argument in arguments):
            return False
    return True


def _is_typed_kind(kind: Any) -> bool:  # Any: hashable, as `alternatives_of` gives them
    return kind in _TYPED or isinstance(kind, FrozenType) or _is_enum(kind)


_TYPED = _PLAIN | {float, datetime, time, Decimal}
_TYPED_MAPPINGS = frozenset((dict, FrozenDict, collections.abc.Mapping))
_TYPED_COLLECTIONS = frozenset(
    (tuple, list, set, frozenset, collections.abc.Sequence, collections.abc.Collection, collections.abc.Set)
)


def _is_enum(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Enum)


def alternatives_of(
    annotation: object, cls: type, *, whole: bool = False, literals: bool = False
) -> Iterator[Any]:  # Any: hashable, as they are
    """Split unions, aliases and names into types; anything unknown becomes `object`, which needs freezing.

    Types with arguments become `object` too, unless the caller asks to keep them whole. Literals become the type of
    None, which like all of them needs no freezing, unless the caller asks for them.
    """
    if issubclass(type(annotation), type):  # a class, by far the most frequent; `isinstance` also takes `list[int]`
        yield annotation
        return
    if isinstance(annotation, (str, ForwardRef)):
        annotation = _evaluated(annotation, cls)
    # An alias made by `type` has a value, a NewType has a supertype.
    annotation = getattr(annotation, "__value__", getattr(annotation, "__supertype__", annotation))
    origin = get_origin(annotation)
    if annotation is None or (origin is Literal and not literals):
        yield type(None)
    elif origin is ClassVar or annotation is ClassVar:
        yield type(None)  # a class variable is not a field
    elif origin is Annotated:
        yield from alternatives_of(get_args(annotation)[0], cls, whole=whole, literals=literals)
    elif origin is Union or origin is types.UnionType:
        for argument in get_args(annotation):
            yield from alternatives_of(argument, cls, whole=whole, literals=literals)
    else:
        yield annotation if whole or (isinstance(annotation, type) and origin is None) else object


def _evaluated(annotation: str | ForwardRef, cls: type) -> object:
    reference = annotation if isinstance(annotation, ForwardRef) else ForwardRef(annotation, is_class=True)
    names = vars(sys.modules.get(cls.__module__, types))
    try:
        return evaluate_forward_ref(reference, globals=dict(names), locals={cls.__name__: cls})
    except Exception:  # noqa: BLE001  # evaluation may raise anything; the annotation is then unknown for now
        return object


# Mappings that are mostly empty --------------------------------------------------------------------------------------

# A value that refers to any FrozenDict is tracked by the garbage collector, which makes decoding half as slow again. So
# an empty one is not stored: the field holds UNSET, which msgspec does not write either, and a property reads it.


class Emptiness(property):
    """A field that is stored as UNSET where its mapping is empty.

    Args:
        slot: What reads the field as it is stored.
        empty: What reading gives instead of UNSET.
    """

    def __init__(self, slot: Any, empty: FrozenDict[str, Any]) -> None:  # Any: msgspec's descriptor; it is empty
        stored, unset = slot.__get__, msgspec.UNSET

        def read(value: object) -> object:
            content = stored(value)
            return empty if content is unset else content

        super().__init__(read, doc="The mapping that the class declares; an empty one where the value has none.")


def slot_for(name: str) -> str:
    """Return the name under which a field with an `Emptiness` is read as it is stored."""
    return f"__stored_{name}__"


def slot_of(cls: type, name: str) -> str:
    """Return the name under which a field is read as it is stored, which is mostly its own."""
    slot = slot_for(name)
    return slot if hasattr(cls, slot) else name


def let_be_absent(namespace: dict[str, Any], own_freezers: Mapping[str, OwnFreezer]) -> None:  # Any: of a class
    """Replace the empty mappings that a class has as defaults by UNSET."""
    for name, empty in ((METADATA_FIELD, NO_METADATA), *((name, own.empty) for name, own in own_freezers.items())):
        default = namespace.get(name)
        if default is empty:
            namespace[name] = msgspec.UNSET
        elif getattr(default, "default", None) is empty:  # of `msgspec.field`
            namespace[name] = msgspec.field(default=msgspec.UNSET, name=getattr(default, "name", None))


def store_empty_as_unset(cls: type, name: str, freezer: FieldFreezer | None) -> None:
    """Let a class read a field that it declares by an `Emptiness`, or plainly if its freezer knows no empty value."""
    slot = slot_for(name)
    stored = vars(cls).get(name) or getattr(cls, slot, None)  # a field that is declared again keeps its slot
    if freezer is not None and freezer.empty is not None:
        setattr(cls, slot, stored)
        setattr(cls, name, Emptiness(stored, freezer.empty))
    elif hasattr(cls, slot):
        setattr(cls, name, stored)
        setattr(cls, slot, stored)


# Metadata ------------------------------------------------------------------------------------------------------------

# Most messages have none, and they cost nothing: their field is absent, neither written nor a part of the hash key.
# msgspec refuses to decode the field, because it does not know `FrozenDict`. So decoding needs no Python code to freeze
# it: the readers (`native_types.py`) give msgspec a function for it.

if TYPE_CHECKING:
    Metadata: TypeAlias = Mapping[str, JsonValue]
    """Facts about a message by their names, as plain JSON."""
else:

    class _AbsentIfEmpty(type):
        def __instancecheck__(cls, value: object) -> bool:
            return value is msgspec.UNSET or class_of(value) is FrozenDict

    # The readers know the field by this type. Its values are FrozenDicts, so errors of msgspec call it that.
    Metadata = _AbsentIfEmpty("FrozenDict", (), {"__module__": "miniagents.messages"})

NO_METADATA: Final[FrozenDict[str, Any]] = FrozenDict()  # Any: it is empty
"""The metadata of most messages."""

METADATA_FIELD: Final = "metadata"
"""The name of the field."""


def is_metadata(name: str, annotation: object) -> bool:
    """Return whether a field holds metadata; a class may declare a field of that name for something else."""
    return name == METADATA_FIELD and annotation is Metadata


def has_metadata(cls: Any) -> bool:  # Any: a Frozen class
    """Return whether values of a class have metadata."""
    return cls.__frozen_fields__.get(METADATA_FIELD) is METADATA_FREEZER


def hashed_name(cls: type, name: str) -> str:
    """Return the name under which a field is read for the hash key, which absent metadata is no part of."""
    return slot_of(cls, name) if name == METADATA_FIELD else name


def _freeze_metadata(value: object, owner: type, name: str) -> object:
    """Freeze the metadata of a message.

    Raises:
        TypeError: The value is no mapping of strings to plain JSON.
        ValueError: The value contains NaN, infinity or a lone surrogate.
    """
    where = f"{owner.__qualname__}.{name}"
    quick = frozen_quickly(value, JSON_FLAT) if class_of(value) is dict else None
    frozen = freeze_field(value, owner, name) if quick is None else quick
    if class_of(frozen) is not FrozenDict or not is_plain(frozen):
        raise TypeError(
            f"{where}: metadata is a mapping of names to plain JSON, not {value!r:.200}: "
            "declare a field for anything else"
        )
    found = surrogate_in(frozen)
    if found is not None:
        raise ValueError(f"{path_of(where, found.steps)}: {found.reason}")
    if quick is not None:
        note_json(frozen, True)
    return frozen or msgspec.UNSET


METADATA_FREEZER: Final = FieldFreezer(_freeze_metadata, _NOTHING, empty=NO_METADATA)
"""How the field is frozen."""

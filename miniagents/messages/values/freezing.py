"""`FrozenDict` and `freeze`, which turn mutable values into immutable ones, and the type of frozen JSON.

This module knows nothing of messages but the metaclass of their classes, `FrozenType`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from operator import is_
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, Self, TypeAlias, cast
from uuid import UUID

import msgspec
from typing_extensions import Format, TypeIs, TypeVar, get_annotations

from miniagents.messages.values.surrogates import surrogate_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

K = TypeVar("K")
V_co = TypeVar("V_co", covariant=True)
T = TypeVar("T")

if TYPE_CHECKING:
    JsonValue: TypeAlias = "bool | int | float | str | tuple[JsonValue, ...] | Mapping[str, JsonValue] | None"
    """Any JSON value, frozen: None, bool, int, float, str, tuples and mappings of such values."""

    class FrozenDict(Mapping[K, V_co], Generic[K, V_co]):
        """A dict that cannot change, with frozen values only, so that it can be hashed.

        For type checkers it is a `Mapping`; when the program runs it is a `dict`, so that it is encoded as fast as one.
        It is made from a mapping or from pairs, whose values are frozen by `freeze`. ``a | b`` returns a new one.

        Raises:
            TypeError: A key or value cannot be frozen, or the program tries to change the dict.
            ValueError: A key or value is NaN or infinity, or a string with a lone surrogate.
        """

        def __new__(cls, content: Mapping[K, V_co] | Iterable[tuple[K, V_co]] = (), /) -> Self:
            """Make a FrozenDict from a mapping or from pairs."""
            raise NotImplementedError

        def __getitem__(self, key: K, /) -> V_co: ...
        def __iter__(self) -> Iterator[K]: ...
        def __len__(self) -> int: ...
        def __hash__(self) -> int: ...
        def __or__(self, other: Mapping[K, T], /) -> FrozenDict[K, V_co | T]: ...
        def __ror__(self, other: Mapping[K, T], /) -> FrozenDict[K, V_co | T]: ...

else:
    JsonValue = Any  # msgspec does not support recursive aliases

    class FrozenDict(dict):
        """A dict that cannot change, with frozen values only, so that it can be hashed."""

        __slots__ = ("_hash", "_is_json")

        def __new__(cls, content: object = (), /) -> FrozenDict:  # noqa: PYI034  # and of no other class
            """Make a FrozenDict from a mapping or from pairs."""
            if type(content) is FrozenDict:
                return content
            mutable = dict(content)
            if not mutable and _empty is not None:
                return _empty
            frozen = frozen_quickly(mutable, JSON_FLAT)
            if frozen is None:
                frozen = freeze(mutable)
            else:
                note_json(frozen, True)
            found = surrogate_in(frozen)
            if found is not None:
                raise ValueError(f"{path_of('$', found.steps)}: {found.reason}")
            return frozen

        def __init__(self, content: object = (), /) -> None:
            """Do nothing: `__new__` has filled the dict, and `dict.__init__` would change it."""

        def __hash__(self) -> int:
            try:
                return self._hash
            except AttributeError:
                key = hash(frozenset(self.items()))
                object.__setattr__(self, "_hash", key)
                return key

        def __repr__(self) -> str:
            return f"FrozenDict({super().__repr__() if self else ''})"

        def __or__(self, other: object) -> FrozenDict:
            return FrozenDict({**self, **other}) if isinstance(other, Mapping) else NotImplemented

        def __ror__(self, other: object) -> FrozenDict:
            return FrozenDict({**other, **self}) if isinstance(other, Mapping) else NotImplemented

        def __copy__(self) -> FrozenDict:
            return self

        def __deepcopy__(self, memo: object) -> FrozenDict:
            return self

        copy = __copy__

        def __reduce__(self) -> tuple[object, ...]:
            return FrozenDict, (dict(self),)

        def _refuse(self, *_: object, **__: object) -> NoReturn:
            raise TypeError("a FrozenDict cannot change: make a new one, for example with `old | {key: value}`")

        __setattr__ = __delattr__ = __setitem__ = __delitem__ = __ior__ = _refuse
        clear = fromkeys = pop = popitem = setdefault = update = _refuse


class_of: Callable[[object], type[object]] = type
"""`type` itself; type checkers do not take its result as a test of the type of the value, which may be `Any`."""


class FrozenType(msgspec.StructMeta):
    """The metaclass of all Frozen classes, by which `freeze` recognises their values; see `FrozenMeta`."""

    # These are properties of the metaclass, because a field of the same name would hide a method.

    @property
    def class_tag(cls) -> str:  # noqa: N805  # a class
        """The name of the class in the canonical form of its values."""
        return str(cls.__struct_config__.tag)

    @property
    def is_record(cls) -> bool:  # noqa: N805  # a class
        """Whether values of the class are encoded without a class tag; see `record.py`."""
        return False


def class_tag(cls: type) -> str:
    """Return the name of a class in the canonical form of its values."""
    return cls.class_tag if isinstance(cls, FrozenType) else cls.__name__


def is_record(cls: type) -> bool:
    """Return whether values of a class are encoded without a class tag; see `record.py`."""
    return isinstance(cls, FrozenType) and cls.is_record


def same_place(one: type, other: type) -> bool:
    """Return whether two classes come from one definition that ran twice, as in a notebook.

    A function may make classes with other fields each time it is called. These are different classes.
    """
    if one.__module__ != other.__module__ or one.__qualname__ != other.__qualname__:
        return False
    return "<locals>" not in one.__qualname__ or _declared(one) == _declared(other)


def _declared(cls: type) -> list[object]:
    """Return the names and the types of the fields that a class declares; types of one name are taken for the same."""
    own = [each for each in cls.__mro__ if isinstance(each, FrozenType)]
    types = [get_annotations(each, format=Format.FORWARDREF) for each in own]
    return [{name: repr(form) for name, form in each.items()} for each in types]


def freeze(value: object) -> object:
    """Turn a value into an immutable one with the same content, nested to any depth.

    A list becomes a tuple, a set becomes a frozenset, and a mapping becomes a `FrozenDict`. None, bool, int, float,
    str, bytes, Enum members, UUID, date, time, datetime, timedelta, Decimal, `msgspec.UNSET` and Frozen values stay. A
    value that is frozen already is returned as the same object. Numbers, strings and bytes of subclasses become those
    of the plain class.

    A time zone whose rules are outside the value, such as a `ZoneInfo`, becomes the offset of that moment. It becomes
    UTC if the offset has seconds, which JSON cannot write. `fold` is removed, because a fixed offset needs none.

    Raises:
        TypeError: A part of the value cannot be frozen; the text has its path, its type and a remedy.
        ValueError: The value contains NaN or infinity, or a container contains itself; the text has its path.
    """
    if type(value) in UNCHANGED:
        return value
    quick = frozen_quickly(value, FLAT)
    return _freeze(value, "$") if quick is None else quick


def freeze_field(value: object, owner: type, name: str) -> object:
    """Freeze the value of a field, like `freeze`; errors name the class and the field."""
    quick = frozen_quickly(value, FLAT)
    return _freeze(value, f"{owner.__qualname__}.{name}") if quick is None else quick


def path_of(root: str, steps: Sequence[str | int | None]) -> str:
    """Write a path in the style of JSONPath: ``$.field[0]["key with spaces"]``. Steps that are None are left out."""
    written = [root]
    for step in steps:
        if isinstance(step, str) and step != "...":
            written.append(f".{step}" if step.isidentifier() else f"[{step!r}]")
        elif step is not None:
            written.append(f"[{step}]")
    return "".join(written)


# Unlike a bare isinstance(), these functions also say that the items of a container are objects.


def is_list(value: object) -> TypeIs[list[object]]:
    """Return whether a value is a list."""
    return isinstance(value, list)


def is_tuple(value: object) -> TypeIs[tuple[object, ...]]:
    """Return whether a value is a tuple, including named tuples."""
    return isinstance(value, tuple)


def is_set(value: object) -> TypeIs[set[object] | frozenset[object]]:
    """Return whether a value is a set or frozenset."""
    return isinstance(value, (set, frozenset))


def is_mapping(value: object) -> TypeIs[Mapping[object, object]]:
    """Return whether a value is a mapping."""
    return isinstance(value, Mapping)


UNCHANGED: frozenset[type] = frozenset(
    (type(None), bool, int, str, bytes, UUID, date, timedelta, msgspec.UnsetType, FrozenDict)
)
"""Classes whose values are frozen already; a FrozenDict is one because it holds only frozen values."""


class _Frame:
    """A container that is being frozen; the child taken last may be a container in the next frame of the stack."""

    __slots__ = ("build", "children", "frozen", "same", "source", "steps")

    def __init__(
        self,
        source: object,
        children: Sequence[object],
        steps: Sequence[str | int] | None,
        build: Callable[[list[Any]], object],  # Any: each container is built of what its children became
        *,
        same: bool,
    ) -> None:
        self.source = source
        self.children = iter(children)
        self.steps = steps
        self.build = build
        self.frozen: list[object] = []
        self.same = same  # whether no child has changed so far: if none does, the container itself is returned

    def step(self) -> str | int:
        return len(self.frozen) if self.steps is None else self.steps[len(self.frozen)]

    def close(self) -> object:
        return self.source if self.same else self.build(self.frozen)


def _freeze(root: object, where: str) -> object:
    """Freeze without recursion: depth costs memory, not stack."""
    stack = [_Frame(None, (root,), ("",), lambda frozen: frozen[0], same=False)]
    open_containers: set[int] = set()
    try:
        while True:
            frame = stack[-1]
            for child in frame.children:
                if type(child) in UNCHANGED:
                    if child is msgspec.UNSET and len(stack) > 1:
                        _refuse(TypeError, "msgspec.UNSET stands for a field, it cannot be part of a value")
                    frame.frozen.append(child)
                    continue
                frozen = _scalar(child)
                if frozen is None:
                    frozen = _flat(child)
                if frozen is not None:
                    frame.same = frame.same and frozen is child
                    frame.frozen.append(frozen)
                    continue
                if id(child) in open_containers:
                    _refuse(ValueError, f"this {type(child).__qualname__} contains itself and has no end")
                stack.append(_container(child))
                open_containers.add(id(child))
                break
            else:
                frozen = stack.pop().close()
                if not stack:
                    return frozen
                open_containers.discard(id(frame.source))
                outer = stack[-1]
                outer.same = outer.same and frozen is frame.source
                outer.frozen.append(frozen)
    except _RefusedError as error:
        path = path_of(where, [frame.step() for frame in stack[1:]])
        raise error.kind(f"{path}: {error.reason}") from None


FLAT: Final = UNCHANGED - {msgspec.UnsetType}
"""Classes of values that are frozen already, also as parts of containers."""

JSON_FLAT: Final[frozenset[type]] = frozenset((type(None), bool, int, str))
"""Those of them that plain JSON has."""

_ONLY_STRINGS = frozenset((str,))


def _flat(value: object) -> object:
    """Return the frozen form of a container of plain values, or None if the slower path must decide.

    This is a fast path for the most common values. Its results are the same as those of `_freeze`.
    """
    kind = type(value)
    if kind is dict:
        mapping = cast("dict[object, object]", value)  # `kind` narrows nothing
        if _ONLY_STRINGS.issuperset(map(type, mapping)) and FLAT.issuperset(map(type, mapping.values())):
            return frozen_dict(mapping) if mapping else _empty
    elif kind is list or kind is tuple:
        items = cast("list[object] | tuple[object, ...]", value)  # `kind` narrows nothing
        if _are_frozen(items):
            return tuple(items)  # returns a tuple itself
    return None


def _are_frozen(items: Iterable[object]) -> bool:
    """Return whether all items are Frozen values, or scalars that stay as they are."""
    return all(kind in FLAT or isinstance(kind, FrozenType) for kind in set(map(type, items)))


def frozen_quickly(value: object, scalars: frozenset[type]) -> object:
    """Return the frozen form of a container of plain values, or None if the slower path must decide.

    This is a fast path as well, for containers in containers: several times as fast as `_freeze`, with its results. It
    recurses only so deep, and leaves what contains itself to the slower path.

    Args:
        value: Any value.
        scalars: `FLAT` for containers of scalars and Frozen values, or `JSON_FLAT` for plain JSON alone.
    """
    if type(value) not in _CONTAINERS:
        return None
    try:
        return _nested(value, _DEEPEST, scalars)
    except (_OtherError, RecursionError):  # RecursionError: the caller has used the stack up
        return None


def _nested(value: Any, depth: int, scalars: frozenset[type]) -> object:  # Any: a value of any type
    kind = class_of(value)
    if kind is dict and depth:
        for key, item in value.items():  # faster than two looks by `map` unless there are dozens of them
            if type(key) is not str:
                raise _OtherError
            if type(item) not in scalars:
                break
        else:
            return frozen_dict(value) if value else _empty
        if not _ONLY_STRINGS.issuperset(map(type, value)):
            raise _OtherError
        return frozen_dict(
            {key: item if type(item) in scalars else _nested(item, depth - 1, scalars) for key, item in value.items()}
        )
    if kind is float and not value - value:  # it is finite
        return value
    if kind in _CONTAINERS and depth:
        if scalars.issuperset(map(type, value)) or (scalars is FLAT and _are_frozen(value)):
            return tuple(value)  # returns a tuple itself
        items = [item if type(item) in scalars else _nested(item, depth - 1, scalars) for item in value]
        return value if kind is tuple and all(map(is_, items, value)) else tuple(items)
    if scalars is FLAT and isinstance(kind, FrozenType):
        return value
    raise _OtherError


_CONTAINERS: Final[frozenset[object]] = frozenset((dict, list, tuple))
_DEEPEST: Final = 32


class _OtherError(Exception):
    """A value is not plain JSON, or is nested deeply."""


def _scalar(value: object) -> object:
    """Return the frozen form of a scalar, or None if the value is not a scalar. The caller handles None itself."""
    kind = type(value)
    if kind is float:
        number = cast("float", value)  # `kind` narrows nothing
        if number - number != 0:
            _refuse(ValueError, f"{number} is refused: JSON has only finite numbers; use None or a string")
        return value
    if isinstance(kind, FrozenType) or isinstance(value, Enum):
        return value
    if isinstance(value, Decimal) and not value.is_finite():
        _refuse(ValueError, f"{value} is refused: only finite numbers are equal to themselves; use None or a string")
    if kind is Decimal:
        return value
    if kind is datetime:
        return _fixed_datetime(cast("datetime", value))  # `kind` narrows nothing
    if kind is time:
        return _fixed_time(cast("time", value))  # `kind` narrows nothing
    # attributes of subclasses may change, and encoders do not know the subclasses
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return _scalar(float.__float__(value))
    if isinstance(value, str):
        return str.__getitem__(value, slice(None))
    if isinstance(value, bytes):
        return bytes.__getitem__(value, slice(None))
    return None


def _fixed_datetime(value: datetime) -> datetime:
    offset = value.utcoffset()
    if not value.fold and (value.tzinfo is None or (type(value.tzinfo) is timezone and _whole(offset))):
        return value
    if offset is None or _whole(offset):
        return value.replace(tzinfo=None if offset is None else timezone(offset), fold=0)
    try:
        return value.astimezone(timezone.utc)  # noqa: UP017  # `datetime.UTC` would need the module beside the class
    except OverflowError:
        _refuse(ValueError, f"{value} has an offset with seconds and no equal in UTC")


def _fixed_time(value: time) -> time:
    offset = value.utcoffset()
    if not value.fold and (value.tzinfo is None or (type(value.tzinfo) is timezone and _whole(offset))):
        return value
    if not _whole(offset):
        _refuse(ValueError, f"{value} has an offset with seconds, which JSON cannot write")
    return value.replace(tzinfo=None if offset is None else timezone(offset), fold=0)


def _whole(offset: timedelta | None) -> bool:
    return offset is None or not (offset.seconds % 60 or offset.microseconds)


def _container(value: object) -> _Frame:
    if is_list(value):
        return _Frame(value, value, None, tuple, same=False)
    if is_tuple(value):
        named: Callable[[list[object]], object] | None = getattr(value, "_make", None)
        if named is not None or type(value) is tuple:  # a named tuple keeps its names
            return _Frame(value, value, None, named or tuple, same=True)
    if is_set(value):
        members = tuple(value)
        return _Frame(value, members, ("...",) * len(members), frozenset, same=type(value) is frozenset)
    if is_mapping(value):
        children: list[object] = []
        steps: list[str | int] = []
        for key, item in value.items():
            children += (key, item)
            steps += ("...", key if isinstance(key, (str, int)) else repr(key))
        return _Frame(value, children, steps, _frozen_dict, same=False)
    raise _RefusedError(TypeError, f"{type(value).__qualname__} {_advice(value)}")


def _frozen_dict(flat: list[object]) -> object:
    return frozen_dict(dict(zip(flat[::2], flat[1::2], strict=True)))


def frozen_dict(frozen: Mapping[K, V_co]) -> FrozenDict[K, V_co]:
    """Return a FrozenDict of keys and values that are known to be frozen."""
    made: Any = OpenDict(frozen)  # Any: what it becomes
    made._is_json = None  # nobody has looked
    made.__class__ = _FrozenDict
    return made  # type: ignore[no-any-return] # as above


class OpenDict(dict[Any, Any]):  # Any: of any FrozenDict
    """A FrozenDict while it is made: C fills it in one call, and then it changes its class."""

    __slots__ = ("_hash", "_is_json")


_FrozenDict: Any = FrozenDict  # Any: a dict by nature, which checkers are not told


note_json: Callable[[object, bool], None] = vars(FrozenDict)["_is_json"].__set__
"""Remember of a FrozenDict whether it is plain JSON; this is the slot itself, which `__setattr__` refuses to set."""


def _advice(value: object) -> str:
    if isinstance(value, (bytearray, memoryview)):
        return "can change: use bytes"
    if isinstance(value, tuple):
        return "is a tuple of another kind: use tuple(...)"
    if isinstance(value, msgspec.Struct):
        return "is a Struct that is not known to be frozen: derive it from Frozen"
    if hasattr(value, "__fspath__"):
        return "is not a value that can be frozen: use str(...)"
    if hasattr(value, "__dataclass_fields__"):
        return "is not a value that can be frozen: derive it from Frozen instead of making it a dataclass"
    return (
        "is not a value that can be frozen: use scalars (None, bool, int, float, str, bytes, UUID, date, time, "
        "datetime, timedelta, Decimal, Enum), tuples, frozensets, FrozenDict and Frozen"
    )


class _RefusedError(Exception):
    """A value cannot be frozen. `_freeze` turns it into an error with the path of the value."""

    def __init__(self, kind: type[TypeError | ValueError], reason: str) -> None:
        self.kind = kind
        self.reason = reason


def _refuse(kind: type[TypeError | ValueError], reason: str) -> NoReturn:
    raise _RefusedError(kind, reason)


_empty: FrozenDict[Any, Any] | None = None  # Any: it is empty
_empty = FrozenDict()
note_json(_empty, True)

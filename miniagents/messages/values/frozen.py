"""Frozen: the base of all messages, immutable all the way down and known by a hash key.

Here is what a class derived from Frozen gets when it is made (the checks, and the freezing of fields that need it) and
what its values can do. `FrozenDict` and `freeze` live in `freezing.py`, the canonical form in `canonical.py`; all of
them are imported from here.
"""

from __future__ import annotations

import gc
import hashlib
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from typing_extensions import Format, dataclass_transform, get_annotations

from miniagents.messages.values.canonical_classes import former_of
from miniagents.messages.values.freezers import freeze_fields, freezer_of, is_frozen_when_decoded
from miniagents.messages.values.freezing import FrozenDict, FrozenType, class_tag, freeze, is_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from miniagents.messages.values.canonical_classes import Former
    from miniagents.messages.values.freezers import FieldFreezer, Freezer

__all__ = [
    "Frozen",
    "FrozenDict",
    "FrozenMeta",
    "canonical_form",
    "freeze",
    "loaded_classes",
    "longer_hash_keys",
    "same_place",
    "when_classes_change",
]

longer_hash_keys: ContextVar[bool] = ContextVar("longer_hash_keys", default=False)
"""Whether `Frozen.hash_key` has all 64 hexadecimal digits of the SHA-256 instead of the first 40."""


def canonical_form(value: Frozen) -> bytes:
    """Write the bytes whose SHA-256 is the key of a value; see `canonical.py` for what they look like.

    Raises:
        TypeError: See `Frozen.hash_key`.
        ValueError: See `Frozen.hash_key`.
    """
    return (_formers.get(type(value)) or former_of(type(value)))(value, _full_key)


when_classes_change: list[Callable[[], None]] = []
"""Called whenever a Frozen class was made: what is known of the loaded classes is to be forgotten then."""


class FrozenMeta(FrozenType):
    """Makes Frozen classes: refuses what would break their promises."""

    has_class_tag: ClassVar[bool] = True
    """Values are encoded with the name of their class."""
    own_freezers: ClassVar[Mapping[str, Freezer]] = {}
    """How fields of these names are frozen, whatever their annotations."""
    frozen_by_decoding: ClassVar[bool] = False
    """Fields that are frozen already when they were decoded are frozen by calls of the class alone."""

    def __new__(
        mcs,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],  # Any: a class may define anything
        **options: Any,  # Any: msgspec's options, checked by its stub
    ) -> FrozenMeta:
        """Make a class; what it refuses is told by Frozen."""
        is_root = not any(isinstance(base, FrozenType) for base in bases)
        if not is_root and "hash_key" in namespace.keys() | namespace.get("__annotations__", {}).keys():
            raise TypeError(f"{name}.hash_key would shadow Frozen.hash_key: give the field another name")
        # a tag is the name of one class: msgspec would hand a literal one down to subclasses
        options.setdefault("tag", mcs.has_class_tag)
        try:
            cls = super().__new__(mcs, name, bases, namespace, **options)
        except ValueError as error:  # a field is encoded as "@type"
            raise TypeError(f"{name} cannot be Frozen: {error}") from None
        if not is_root:
            mcs.made(cls)
        for forget in when_classes_change:
            forget()
        return cls

    def made(cls) -> None:
        """Look at a class that was made: refuse one with what would break the promises of its values.

        Raises:
            TypeError: It names class and option or field.
        """
        config = cls.__struct_config__
        refused = {
            "frozen=False": not config.frozen,
            "eq=False": not config.eq,
            "array_like=True": config.array_like,
            "forbid_unknown_fields=False": not config.forbid_unknown_fields,
        }
        if type(cls).has_class_tag:
            refused |= {
                "tag=False": config.tag is None,
                f"tag={config.tag!r}, which is no string": not isinstance(config.tag, str),
                f"tag_field={config.tag_field!r}": config.tag_field != "@type",
            }
        for option, wrong in refused.items():
            if wrong:
                raise TypeError(f"{cls.__name__} cannot be Frozen with {option}: leave that option out")
        for name in cls.__struct_fields__:
            if name == "hash_key" or name.startswith("__"):
                raise TypeError(f"{cls.__name__}.{name} would shadow Frozen.{name}: give the field another name")


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Frozen(
    msgspec.Struct,
    metaclass=FrozenMeta,
    frozen=True,
    dict=True,
    tag=True,
    tag_field="@type",
    omit_defaults=True,
    repr_omit_defaults=True,
    forbid_unknown_fields=True,
):
    """An immutable value: a msgspec Struct that is frozen all the way down.

    What the constructor is given mutable is frozen as `freeze` does; so a field that holds a list when it is given
    holds a tuple when it is read. Ints given to fields declared as float become floats. Fields declared as str, int,
    bool, bytes and the like are taken as they are: that their values are of their types is for a type checker to see.

    Values are equal when they are of one class and have equal fields, and can be hashed. A class is encoded under its
    name, or the ``tag="..."`` it is given, which its subclasses do not inherit.

    Raises:
        TypeError: A value cannot be frozen; the text names class, field and what to do. Or a class is made that could
            not keep what Frozen promises.
        ValueError: A field is given NaN or infinity.
    """

    if TYPE_CHECKING:
        # How the fields that need it are frozen, by name; the others cost nothing.
        __frozen_fields__: ClassVar[dict[str, FieldFreezer]]
    else:  # checkers are to see the options of msgspec.Struct

        def __init_subclass__(cls, **options: Any) -> None:  # Any: msgspec checks them
            super().__init_subclass__(**options)
            _freeze_when_made(cls)

    @property
    def hash_key(self) -> str:
        """The first 40 hexadecimal digits of the SHA-256 of the canonical form, all 64 with `longer_hash_keys`.

        Equal values of one class have equal keys, in every process. Computed once for each object.

        Raises:
            TypeError: Another class is loaded that has the same tag, so that keys could be confused; or a field holds
                what its declared type does not allow.
            ValueError: A string has a lone surrogate.
        """
        key: str = self.__dict__.get(_KEY) or _computed(self, _near_keys)
        return key if longer_hash_keys.get() else key[:40]


def loaded_classes(base: type) -> Iterator[type[Frozen]]:
    """Give a Frozen class and all classes derived from it that are loaded, in the order they were made."""
    pending: list[type] = [base]
    seen: set[type] = set()
    while pending:
        cls = pending.pop(0)
        if cls not in seen and issubclass(cls, Frozen):
            seen.add(cls)
            yield cls
            pending += type.__subclasses__(cls)


def same_place(one: type, other: type) -> bool:
    """Tell whether two classes are one definition, run twice (as in a notebook)."""
    return one.__module__ == other.__module__ and one.__qualname__ == other.__qualname__


# Classes made --------------------------------------------------------------------------------------------------------


def _freeze_when_made(cls: type[Frozen]) -> None:
    """Give a class the `__post_init__` it needs; called while the class is made, so that msgspec finds it."""
    inherited_fields: dict[str, FieldFreezer] = {}
    for base in reversed(cls.__mro__[1:]):
        inherited_fields |= base.__dict__.get("__frozen_fields__", {})
    fields = dict(inherited_fields)
    own_freezers = type(cls).own_freezers
    only_when_called = type(cls).frozen_by_decoding
    for name, annotation in get_annotations(cls, format=Format.FORWARDREF).items():
        fields.pop(name, None)
        freezer = freezer_of(annotation, cls, own_freezers.get(name))
        if freezer is not None:
            fields[name] = freezer
            only_when_called = only_when_called and is_frozen_when_decoded(annotation, cls)
    own: Callable[[Frozen], None] | None = cls.__dict__.get("__post_init__")
    inherited: Callable[[Frozen], None] | None = getattr(cls, "__post_init__", None)
    frozen_by_inherited: object = getattr(inherited, "__frozen_fields__", {})
    cls.__frozen_fields__ = fields
    if (
        fields
        and (own is not None or fields != frozen_by_inherited)
        and (inherited is not None or not only_when_called)
    ):
        post_init = freeze_fields(fields, inherited)
        post_init.__frozen_fields__ = fields  # type: ignore[attr-defined] # pyright: ignore[reportFunctionMemberAccess] # functions take attributes
        cls.__post_init__ = post_init  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue] # looked up by msgspec


# Keys ----------------------------------------------------------------------------------------------------------------

# Not an identifier, so no field or cached property can have this name. The `__dict__` of a Struct takes no part in
# equality, encoding, copying or pickling.
_KEY = "@key"


def _full_key(value: msgspec.Struct) -> str:
    """Return all 64 hexadecimal digits, computed once for each object; works for messages nested to any depth."""
    key: str | None = vars(value).get(_KEY)
    return key or _computed(value, _near_keys)


def _computed(value: msgspec.Struct, key_of: Callable[[msgspec.Struct], str]) -> str:
    cls = type(value)
    form = (_formers.get(cls) or _former(cls))(value, key_of)
    key = hashlib.sha256(form).hexdigest()
    value.__dict__[_KEY] = key  # pyright: ignore[reportIndexIssue] # objects have a dict, other than classes
    return key


def _keys_within(depth: int) -> Callable[[msgspec.Struct], str]:
    """Return a function that computes keys by recursion, at most `depth` calls deep."""
    below = _keys_within(depth - 1) if depth else _far_key

    def key_of(part: msgspec.Struct) -> str:
        key: str | None = part.__dict__.get(_KEY)
        return key or _computed(part, below)

    return key_of


def _far_key(value: msgspec.Struct) -> str:
    """Return the key of a deeply nested value, without recursion."""
    pending = [value]
    while pending:
        current = pending[-1]
        unknown: list[msgspec.Struct] = []

        def key_of(part: msgspec.Struct, unknown: list[msgspec.Struct] = unknown) -> str:
            key = vars(part).get(_KEY, "")
            if not key:
                unknown.append(part)
            return str(key)

        if _KEY not in vars(current):
            form = _former(type(current))(current, key_of)
            if unknown:  # they first, and then this one again
                pending += unknown
                continue
            vars(current)[_KEY] = hashlib.sha256(form).hexdigest()
        pending.pop()
    return str(vars(value)[_KEY])


_near_keys = _keys_within(8)


def _former(cls: type[msgspec.Struct]) -> Former:
    """Return what writes the canonical form of values of a class, which is the only one of its tag."""
    former = _formers.get(cls)
    if former is None:
        _only_class_of_its_tag(cls)
        former = _formers[cls] = former_of(cls)
    return former


_formers: dict[type, Former] = {}
when_classes_change.append(_formers.clear)


def _only_class_of_its_tag(cls: type[msgspec.Struct]) -> None:
    """Refuse keys to a class that has the tag of another one: their values could not be told apart by key."""
    if _namesakes(cls):
        gc.collect()  # a class lives on until then, even if nothing refers to it
    for other in _namesakes(cls):
        tag = class_tag(cls)
        own = f'one of its own, as in `class {cls.__name__}(..., tag="...")`'
        other_name = "another name, or generate its module with `--namespace NAME`"
        raise TypeError(
            f"the keys of {_place(cls)} and {_place(other)} could be confused, for both have the tag {tag!r}: "
            f"give one of them {other_name if is_record(cls) else own}"
        )


def _namesakes(cls: type[msgspec.Struct]) -> list[type[Frozen]]:
    tag = class_tag(cls)
    return [
        other
        for other in loaded_classes(Frozen)
        if class_tag(other) == tag
        and is_record(other) is is_record(cls)  # their forms differ: a record's name is no message's tag
        and other is not cls
        and not same_place(cls, other)
    ]


def _place(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"

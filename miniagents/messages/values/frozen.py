"""`Frozen`, the base class of all messages: values that are deeply immutable and identified by a hash key.

This module checks a class derived from Frozen when it is made, sets up the freezing of its fields, and computes the
hash keys of its values. `FrozenDict` and `freeze` live in `freezing.py`, the canonical form in `canonical.py`; other
packages import all of them from here.
"""

from __future__ import annotations

from contextvars import ContextVar
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol
from weakref import ref

import msgspec
from typing_extensions import Format, ParamSpec, TypeVar, dataclass_transform, get_annotations

from miniagents.messages.values.freezers import (
    METADATA_FREEZER,
    Freezing,
    freeze_fields,
    freezer_of,
    freezing_of,
    is_metadata,
    let_be_absent,
    store_empty_as_unset,
)
from miniagents.messages.values.freezing import (
    FrozenDict,
    FrozenType,
    class_of,
    class_tag,
    freeze,
    is_record,
    same_place,
)
from miniagents.messages.values.surrogates import has_surrogates
from miniagents.messages.values.untyped import note

if TYPE_CHECKING:
    import sys
    from collections.abc import Callable, Iterator, Mapping
    from inspect import Signature
    from typing import Self

    from miniagents.messages.values.canonical_classes import Former
    from miniagents.messages.values.freezers import FieldFreezer, OwnFreezer

__all__ = [
    "Frozen",
    "FrozenDict",
    "FrozenMeta",
    "canonical_form",
    "classes_of_tag",
    "freeze",
    "loaded_classes",
    "longer_hash_keys",
    "same_place",
    "strict",
    "when_classes_change",
    "when_tags_repeat",
]

P = ParamSpec("P")
R = TypeVar("R")

longer_hash_keys: ContextVar[bool] = ContextVar("longer_hash_keys", default=False)
"""Whether `Frozen.hash_key` has all 64 hexadecimal digits of the SHA-256 instead of the first 40."""

strict: ContextVar[bool] = ContextVar("strict", default=False)
"""Whether messages are checked when they are sent or replied; see `coding/checking.py`."""


def canonical_form(value: Frozen) -> bytes:
    """Return the bytes whose SHA-256 is the hash key of a value: its canonical form, extended RFC 8785 JSON.

    Raises:
        TypeError: A field holds a value that its declared type does not allow.
        ValueError: A string has a lone surrogate.
    """
    return (_formers.get(type(value)) or _new_former(type(value)))(value, _full_key)


when_classes_change: list[Callable[[], None]] = []
"""Functions to call after a Frozen class was made. They clear caches that depend on the loaded classes."""

when_tags_repeat: list[Callable[[], None]] = []
"""Functions to call after a message class was made whose tag another loaded class has."""


_classes_of_tag: dict[str, list[ref[Any]]] = {}  # Any: message classes, in the order they were made


def _remember_tag(cls: FrozenMeta) -> None:
    tag = cls.class_tag
    loaded = [reference for reference in _classes_of_tag.get(tag, ()) if reference() is not None]
    _classes_of_tag[tag] = [*loaded, ref(cls)]
    if loaded:
        for forget in when_tags_repeat:
            forget()


class FrozenMeta(FrozenType):
    """The metaclass of Frozen classes; it refuses fields and options that would break immutability or identity."""

    has_class_tag: ClassVar[bool] = True
    """Whether values are encoded with the name of their class."""
    own_freezers: ClassVar[Mapping[str, OwnFreezer]] = {}
    """Freezers for fields of these names; they replace the freezers that the annotations ask for."""
    called_with: ClassVar[type[FrozenMeta]]
    """The metaclass of those classes whose calls look at the new value."""

    def __new__(
        mcs,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],  # Any: a class may define anything
        **options: Any,  # Any: msgspec's options, checked by its stub
    ) -> FrozenMeta:
        """Make a class.

        Raises:
            TypeError: A field or an option of the class is not allowed; the text names it.
        """
        is_root = not any(isinstance(base, FrozenType) for base in bases)
        for kind in map(
            type, bases
        ):  # or `type.__new__` would call this again, with a namespace that msgspec has changed
            mcs = kind if issubclass(kind, mcs) else mcs
        if not is_root and "hash_key" in namespace.keys() | namespace.get("__annotations__", {}).keys():
            raise TypeError(f"{name}.hash_key would shadow Frozen.hash_key: give the field another name")
        let_be_absent(namespace, mcs.own_freezers)
        # A tag names one class. Without this, subclasses would inherit a literal tag from msgspec.
        options.setdefault("tag", mcs.has_class_tag)
        try:
            cls = super().__new__(mcs, name, bases, namespace, **options)
        except ValueError as error:  # a field is encoded as "@type"
            raise TypeError(f"{name} cannot be Frozen: {error}") from None
        if not is_root:
            mcs.made(cls)
            _finish_calls(cls, _finish_first)
            if cls.__text_fields__ or cls.__given_fields__ or (cls.__struct_fields__ and not cls.is_record):
                cls.__class__ = mcs.called_with  # pyright: ignore[reportAttributeAccessIssue] # a class that is called in another way
        for forget in when_classes_change:
            forget()
        if not cls.is_record:
            _remember_tag(cls)
        return cls

    @property
    def __signature__(cls) -> Signature:
        """What a call takes; the defaults are what an absent field reads as."""
        from miniagents.messages.values.finishing import as_read  # noqa: PLC0415  # few programs ask for it

        return as_read(super().__signature__, vars(cls).get("__frozen_fields__", {}))

    if TYPE_CHECKING:
        __text_fields__: frozenset[str]
        __given_fields__: Mapping[str, FieldFreezer]

    def made(cls) -> None:
        """Check a class that was just made.

        Raises:
            TypeError: A field or an option of the class is not allowed; the text names both.
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
        for text in (class_tag(cls), *cls.__struct_encode_fields__):
            if has_surrogates(text):
                raise TypeError(
                    f"{cls.__name__} cannot be Frozen: {text!a} has a lone surrogate: it is no Unicode text"
                )
        for name in cls.__struct_fields__:
            if name == "hash_key" or name.startswith("__"):
                raise TypeError(f"{cls.__name__}.{name} would shadow Frozen.{name}: give the field another name")
        always: dict[str, FieldFreezer] = getattr(getattr(cls, "__post_init__", None), "__frozen_fields__", {})
        frozen: dict[str, FieldFreezer] = vars(cls).get("__frozen_fields__", {})
        # Decoding freezes these fields, so only calls of the class pay for freezing.
        cls.__given_fields__ = {name: freezer for name, freezer in frozen.items() if name not in always}


class CalledMeta(FrozenMeta):
    """The metaclass of Frozen classes whose calls look at the new value; the others are called as fast as bare ones.

    Everything around the look runs in C. `type.__call__` calls `__new__`, by which msgspec makes the value, and then
    gets `__init__` from the value. That is a property: reading it looks at the value, and gives a function that ignores
    the arguments.
    """

    if not TYPE_CHECKING:  # type checkers derive the signature from the fields

        def __call__(*_: object) -> None:
            """Make Python forget that msgspec could be called without this; `type.__call__` replaces it below."""


def _finish_first(made: Frozen) -> Callable[..., None]:
    """Finish the first value that a call of its class has made, and compile the function that finishes the next."""
    from miniagents.messages.values.finishing import finisher  # noqa: PLC0415  # most classes are never called

    cls = type(made)
    finish = finisher(cls, cls.__given_fields__, cls.__text_fields__)
    _finish_calls(cls, finish)
    return finish(made)


def _finish_calls(
    cls: Any,  # Any: checkers know `__init__` as a method
    finish: Callable[[Any], Callable[..., None]],  # Any: values of the class
) -> None:
    """Let calls of a class finish the values that they make by a function; see `CalledMeta`."""
    cls.__init__ = _Init(finish)


class _Init(property):
    """The `__init__` of a class; tools such as `unittest.mock` take it from the class and expect something to call."""

    def __call__(self, value: object, /, *arguments: object, **named: object) -> None:
        """Do nothing, like `object.__init__`: `__new__` has set the fields."""


if not TYPE_CHECKING:
    CalledMeta.__call__ = type.__call__
FrozenMeta.called_with = CalledMeta


if TYPE_CHECKING:

    class _Replaceable(Protocol[P]):
        """A value whose class says by `__replace__` which changes it takes."""

        def __replace__(self, /, *args: P.args, **changes: P.kwargs) -> object: ...

    class _Replace:
        """`Frozen.replace` as type checkers see it: the changes of `__replace__`, and the class of the value."""

        def __get__(self, value: _Replaceable[P], cls: type[R], /) -> Callable[P, R]: ...


class _Kept(msgspec.Struct, frozen=True, dict=True):
    """A Struct with a place for what follows from its fields, which takes part in nothing that msgspec does."""


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Frozen(
    _Kept,
    metaclass=FrozenMeta,
    frozen=True,
    tag=True,
    tag_field="@type",
    omit_defaults=True,
    repr_omit_defaults=True,
    forbid_unknown_fields=True,
):
    """An immutable value: a msgspec Struct that is frozen at every depth.

    The constructor freezes mutable arguments with `freeze`: pass a list, and the field holds a tuple. An int in a field
    declared as float becomes a float. Values of fields declared as str, int, bool, bytes and the like are not checked;
    type checkers do that.

    Values can be hashed. They are equal if they have the same class and equal fields. A value is encoded with the name
    of its class, or with the class option ``tag="..."``, which subclasses do not inherit.

    To change fields use `copy.replace` (Python 3.13) or ``value.__replace__(name="new")``. `msgspec.structs.replace`
    neither checks nor freezes the new values, and msgspec's own decoders accept NaN from MessagePack.

    Raises:
        TypeError: A value cannot be frozen; the text names class, field and remedy. Or a derived class has a field or
            an option that is not allowed.
        ValueError: A field contains NaN, infinity or a lone surrogate.
    """

    if TYPE_CHECKING:
        # The freezers of fields by name; fields that need none are left out and cost nothing.
        __frozen_fields__: ClassVar[dict[str, FieldFreezer]]
        # The dict of the value: its key, and what cached properties keep.
        __kept__: ClassVar[dict[str, Any]]  # Any: cached properties keep anything

        # From there on, type checkers derive it from the fields. Of a type variable, mypy derives one that returns
        # the bound.
        if sys.version_info < (3, 13):

            def __replace__(self, **changes: Any) -> Self: ...  # Any: of the types of the fields

        replace: ClassVar[_Replace] = _Replace()
        """Return a changed copy, as in ``message.replace(text="new")``; the new values are frozen."""
    else:  # hidden from type checkers, so that they see the options of msgspec.Struct

        def __init_subclass__(cls, **options: Any) -> None:  # Any: msgspec checks them
            super().__init_subclass__(**options)
            _freeze_when_made(cls)

        __kept__ = vars(_Kept)["__dict__"]

        @property
        def __dict__(self) -> dict[str, object]:
            """The value as plain JSON, as `encode` writes it, for tools that read values by `vars`."""
            from miniagents.messages.values.json_view import JsonView  # noqa: PLC0415  # few programs use such tools

            return JsonView(self)

        def __dir__(self) -> list[str]:
            return dir(type(self))

        @classmethod
        def __get_pydantic_core_schema__(cls, source: object, handler: object) -> object:
            """Tell pydantic how to check, write and describe values of this class."""
            from miniagents.messages.coding.pydantic_schemas import core_schema_of  # noqa: PLC0415  # it imports pydantic

            return core_schema_of(cls)

        def replace(self, /, **changes: object) -> Self:
            """Return a changed copy, as in ``message.replace(text="new")``; the new values are frozen.

            Type checkers know the fields from Python 3.13 on, as they do for `copy.replace`.

            Raises:
                TypeError: There is no such field, or a value cannot be frozen.
                ValueError: A value contains NaN, infinity or a lone surrogate.
            """
            cls = type(self)
            names = cls.__struct_fields__
            for name in changes:
                if name not in names:
                    raise TypeError(f"{cls.__name__} has no field {name!r}; its fields are: {', '.join(names)}")
            return cls(**{name: getattr(self, name) for name in names} | changes)

        __replace__ = replace

    @property
    def hash_key(self) -> str:
        """The first 40 hexadecimal digits of the SHA-256 of the canonical form, or all 64 with `longer_hash_keys`.

        Equal values of one class have equal keys in every process. The key is computed once for each object.

        Raises:
            TypeError: Another loaded class has the same tag, or a field has held members of two enums of one name, so
                that keys could be confused. Or a field holds a value that its declared type does not allow.
            ValueError: A string has a lone surrogate.
        """
        key: str | None = self.__kept__.get(_KEY)
        if key is None:  # written out here: calling `_full_key` takes a tenth longer
            cls = type(self)
            key = self.__kept__[_KEY] = sha256((_formers.get(cls) or _former(cls))(self, _full_key)).hexdigest()
        return key if longer_hash_keys.get() else key[:40]


if not TYPE_CHECKING:  # by this, calls make values; see `CalledMeta`. msgspec allows no `__new__` inside the class
    Frozen.__new__ = msgspec.StructMeta.__call__


def loaded_classes(base: type) -> Iterator[type[Frozen]]:
    """Yield a Frozen class and all loaded classes derived from it, in the order they were made.

    A class that is still being made, perhaps by another thread, has no fields yet. It is left out.
    """
    pending: list[type] = [base]
    seen: set[type] = set()
    while pending:
        cls = pending.pop(0)
        if cls not in seen and issubclass(cls, Frozen) and hasattr(cls, "__struct_fields__"):
            seen.add(cls)
            yield cls
            pending += type.__subclasses__(cls)


def classes_of_tag(tag: str, bases: tuple[type, ...]) -> list[type[Frozen]]:
    """Return the loaded message classes that have a tag and are derived from one of some classes.

    Of a class that was defined twice, the last definition counts. Records are not found.
    """
    found: list[type[Frozen]] = []
    for reference in _classes_of_tag.get(tag, ()):
        cls: type[Frozen] | None = reference()
        if cls is not None and issubclass(cls, bases):
            found = [other for other in found if not same_place(other, cls)]
            found.append(cls)
    return found


# Classes made --------------------------------------------------------------------------------------------------------


def _freeze_when_made(cls: type[Frozen]) -> None:
    """Give a class the `__post_init__` that freezes its fields, or only those that decoding does not freeze.

    This must happen while the class is made: msgspec looks for `__post_init__` only then.
    """
    inherited_fields: dict[str, FieldFreezer] = {}
    for base in reversed(cls.__mro__[1:]):
        inherited_fields |= base.__dict__.get("__frozen_fields__", {})
    fields = dict(inherited_fields)
    texts = {name for base in cls.__mro__[1:] for name in base.__dict__.get("__text_fields__", ())}
    own_freezers = type(cls).own_freezers
    own: Callable[[Frozen], None] | None = cls.__dict__.get("__post_init__")
    inherited: Callable[[Frozen], None] | None = getattr(cls, "__post_init__", None)
    frozen_by_inherited: dict[str, FieldFreezer] = getattr(inherited, "__frozen_fields__", {})
    is_given = inherited is None or bool(frozen_by_inherited)
    always = dict(frozen_by_inherited if is_given else inherited_fields)
    for name, annotation in get_annotations(cls, format=Format.FORWARDREF).items():
        fields.pop(name, None)
        always.pop(name, None)
        if name in own_freezers:
            freezing = Freezing(freezer_of(annotation, cls, own_freezers[name]), is_decoded_frozen=True, has_text=True)
        elif is_metadata(name, annotation):
            freezing = Freezing(METADATA_FREEZER, is_decoded_frozen=True, has_text=False)
        else:
            freezing = freezing_of(annotation, cls)
        freezer, is_decoded_frozen, has_text = freezing
        store_empty_as_unset(cls, name, freezer)
        (texts.add if has_text else texts.discard)(name)
        if freezer is not None:
            fields[name] = freezer
            if not is_given or not is_decoded_frozen:
                always[name] = freezer
    if always and own_freezers.keys().isdisjoint(fields):
        always = fields  # one function for all fields makes calls faster; open records are mostly decoded
    cls.__frozen_fields__ = fields
    cls.__text_fields__ = frozenset(texts)
    cls.__given_fields__ = {}
    runs_code = inherited is not None and getattr(inherited, "__runs_code__", True)
    if runs_code:
        for name in fields:  # that code may set them to anything, and nothing freezes them after it
            note(cls, name)
    if always and (own is not None or always != frozen_by_inherited):
        post_init = freeze_fields(always, inherited, _lines_of)
        post_init.__frozen_fields__ = always  # type: ignore[attr-defined] # pyright: ignore[reportFunctionMemberAccess] # functions take attributes
        post_init.__runs_code__ = runs_code  # type: ignore[attr-defined] # pyright: ignore[reportFunctionMemberAccess] # as above
        cls.__post_init__ = post_init  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue] # looked up by msgspec


def _lines_of(fields: Mapping[str, FieldFreezer], names: dict[str, object]) -> list[str]:
    from miniagents.messages.values.finishing import freezing_lines  # noqa: PLC0415  # most classes never need it

    return freezing_lines(fields, names)


# Keys ----------------------------------------------------------------------------------------------------------------

# Not an identifier, so no cached property can have this name. `__kept__` takes no part in equality, encoding, copying
# or pickling, and `vars` does not show it.
_KEY: Final = "@key"


def _keys_within(depth: int) -> Callable[[Any], str]:  # Any: a Frozen value
    """Return a function that returns all 64 digits of a key, and computes unknown keys at most `depth` calls deep."""
    below = _keys_within(depth - 1) if depth else _far_key

    def key_of(value: Any) -> str:  # Any: as above
        key: str | None = value.__kept__.get(_KEY)
        if key is None:
            cls: Any = class_of(value)  # Any: as above
            key = value.__kept__[_KEY] = sha256((_formers.get(cls) or _former(cls))(value, below)).hexdigest()
        return key

    return key_of


def _far_key(value: Any) -> str:  # Any: as above
    """Return the key of a deeply nested value, without recursion.

    The form of a value with parts is written twice: once to find the parts whose keys are unknown, and once with their
    keys. That is slow, so `_keys_within` recurses first.
    """
    pending = [value]
    while pending:
        current = pending[-1]
        unknown: list[Any] = []  # Any: as above

        def key_of(part: Any, unknown: list[Any] = unknown) -> str:  # Any: as above
            key: str = part.__kept__.get(_KEY, "")
            if not key:
                unknown.append(part)
            return key

        if _KEY not in current.__kept__:
            cls: Any = class_of(current)  # Any: as above
            form = _former(cls)(current, key_of)
            if unknown:  # compute these keys first, then try this value again
                pending += unknown
                continue
            current.__kept__[_KEY] = sha256(form).hexdigest()
        pending.pop()
    return str(value.__kept__[_KEY])


_full_key = _keys_within(9)


def _former(cls: type[msgspec.Struct]) -> Former:
    """Return the function that writes the canonical form of values of a class, after a check of its tag."""
    former = _formers.get(cls)
    if former is None:
        _only_class_of_its_tag(cls)
        former = _formers[cls] = _new_former(cls)
    return former


def _new_former(cls: type[msgspec.Struct]) -> Former:
    from miniagents.messages.values.canonical_classes import former_of  # noqa: PLC0415  # many programs need no keys

    return former_of(cls)


_formers: dict[type, Former] = {}
when_classes_change.append(_formers.clear)


def _only_class_of_its_tag(cls: type[msgspec.Struct]) -> None:
    """Raise a TypeError if another class has the same tag: values of both could have equal keys."""
    if _namesakes(cls):
        import gc  # noqa: PLC0415  # no other path needs it

        gc.collect()  # classes are in reference cycles: an unused one stays until a collection
    for other in _namesakes(cls):
        tag = class_tag(cls)
        own = f'one of its own, as in `class {cls.__name__}(..., tag="...")`'
        other_name = "another name, or generate its module with `--namespace NAME`"
        raise TypeError(
            f"the keys of {_place(cls, other)} and {_place(other, cls)} could be confused, for both have the tag "
            f"{tag!r}: give one of them {other_name if is_record(cls) else own}"
        )


def _namesakes(cls: type[msgspec.Struct]) -> list[type[Frozen]]:
    tag = class_tag(cls)
    return [
        other
        for other in loaded_classes(Frozen)
        if class_tag(other) == tag
        and is_record(other) is is_record(cls)  # a record and a message of one tag have different forms
        and other is not cls
        and not same_place(cls, other)
    ]


def _place(cls: type[msgspec.Struct], beside: type) -> str:
    place = f"{cls.__module__}.{cls.__qualname__}"
    if place != f"{beside.__module__}.{beside.__qualname__}":
        return place
    types = get_annotations(cls, format=Format.FORWARDREF)
    fields = (f"{name}: {getattr(form, '__qualname__', form)}" for name, form in types.items())
    return f"{place} ({', '.join(fields)})"

"""Native types: the types that are given to msgspec in place of declared types.

msgspec decodes a field declared as a message class only if the data has the tag of exactly that class. The native type
of a message class is the union of the classes that may stand there. A class that contains such fields has a native type
as well. It is no class of values: msgspec takes any object with an `__origin__` for a generic class with arguments, so
it makes values of the origin, whose fields have the types that the annotations of the object declare.

For JSON, native types refuse integers with more than 64 bits in sets and keys; `crowds.py` says why.

The field of a message that holds any JSON object is declared as `FrozenDict`, for which msgspec calls a function that
freezes the decoded dict (`msgspec_hooks.py`).

For MessagePack, native types also refuse what JSON cannot express. Floats have limits, which exclude NaN and infinity.
Untyped parts are declared as `object`, for which msgspec calls a function as well.

A native type may refuse data that the declared type allows, but it accepts nothing else and gives the same values. The
slow way decodes refused data again, or raises the error.
"""

from __future__ import annotations

import collections.abc
import sys
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import msgspec

from miniagents.messages.coding.codec_hazards import is_container, is_fixed, members_of
from miniagents.messages.coding.msgspec_hooks import OBJECTS
from miniagents.messages.coding.planning import fields_of, has_only_sound_records
from miniagents.messages.coding.type_shapes import (
    bare,
    flat_members,
    has_messages,
    is_a,
    is_message_class,
    is_union,
    kind_of,
    union_of,
    unwrapped,
)
from miniagents.messages.values.freezers import Metadata
from miniagents.messages.values.freezing import FrozenDict
from miniagents.messages.values.frozen import classes_of_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from miniagents.messages.values.frozen import Frozen


class NoNativeTypeError(Exception):
    """A type has no native type, so its values must be decoded in another way."""


class NativeTypes:
    """The native types of declared types. One thread may use it at a time.

    Args:
        known: Classes that may stand where a class is declared from which they are derived. Data with the tag of any
            other derived class is refused.
        plain: Refuse what JSON cannot express; the decoder needs `made_of_msgpack` as its `dec_hook`.
            Otherwise it needs `made_of_json`.
        limited: Refuse integers with more than 64 bits where their hashes are used.
    """

    def __init__(self, known: Collection[type[Frozen]], *, plain: bool = False, limited: bool = False) -> None:
        self._known = known
        self._plain = plain
        self._limited = limited
        self._classes: dict[object, object] = {}
        self._undecodable: set[object] = set()
        self._unions: dict[tuple[object, ...], _Native] = {}
        self._open: list[tuple[tuple[object, ...], _Native]] = []
        self._asked = 0  # how often a field asked for such a union
        self._nesting = 0  # how many classes have fields that did

    def of(self, form: object) -> object:
        """Return the native type of a declared type.

        Raises:
            NoNativeTypeError: It has none.
            NameError: An annotation of a record cannot be evaluated.
        """
        if not has_only_sound_records(form, in_messages=False) or _names_frozen_dict(form):
            raise NoNativeTypeError
        before = len(self._classes)
        try:
            native = self._of(form)
        except Exception:
            self._forget_since(before)
            raise
        while self._open:  # filled last, because a class of such a union may have fields with the same union
            forms, union = self._open.pop()
            union.__args__ = self._allowed(forms)
        return native

    def _of(self, form: object) -> object:
        if not self._plain and not has_messages(form):
            return _limited(form) if self._limited else form
        inner, metadata = unwrapped(form)
        kind = kind_of(inner)
        if is_union(inner):
            native = self._union(inner)
        elif is_message_class(kind) and not kind.is_record:
            native = self._messages((inner,))
        elif isinstance(kind, msgspec.StructMeta):
            native = self._class(inner)
        elif kind is not None and kind is not inner:
            native = self._container(inner, kind)
        else:
            native = self._leaf(inner)
        if native is float and self._plain:
            metadata = (*metadata, *_missing_limits(metadata, -sys.float_info.max, sys.float_info.max))
        elif native is inner:
            return form
        annotated: Any = Annotated  # Any: made of what is known when the program runs
        return annotated[(native, *metadata)] if metadata else native

    def _union(self, union: object) -> object:
        forms = flat_members(union)
        messages = [form for form in forms if _is_message(form)]
        natives = [self._of(form) for form in forms if not _is_message(form)]
        if self._plain and object in natives:
            return object
        if messages:
            natives.append(self._messages(tuple(bare(form) for form in messages)))
        elif all(native is form for native, form in zip(natives, forms, strict=True)):
            return union
        if self._plain:
            members = [bare(member) for member in members_of(union)]
            if float in members and any(map(is_fixed, members)):
                raise NoNativeTypeError  # msgspec (0.22) crashes on a float with limits beside such a tuple
        return _Native.of(Union, tuple(natives))

    def _messages(self, forms: tuple[object, ...]) -> object:
        """Return the union of all classes that may stand where these message classes are declared."""
        self._asked += 1
        union = self._unions.get(forms)
        if union is None:
            union = self._unions[forms] = _Native.of(Union)
            self._open.append((forms, union))
        return union

    def _allowed(self, forms: tuple[object, ...]) -> tuple[object, ...]:
        """Return the native types of the members of such a union."""
        declared = {kind: form for form in forms if is_message_class(kind := kind_of(form))}
        bases = tuple(declared)
        classes = dict.fromkeys((*bases, *(cls for cls in self._known if issubclass(cls, bases))))
        allowed = [declared.get(cls, cls) for cls in classes if classes_of_tag(cls.class_tag, bases) == [cls]]
        natives = tuple(native for form in allowed if (native := self._message(form)) is not None)
        # msgspec requires no tag if only one class is possible, but here that class must be the only one declared.
        return natives if len(natives) == 1 and forms == tuple(allowed) else (*natives, _Never)

    def _message(self, form: Any) -> object:  # Any: a message class or Class[arguments]
        """Return the native type of exactly this class, or None if msgspec cannot decode it."""
        if form in self._undecodable:
            return None
        before = len(self._classes)
        try:
            msgspec.json.Decoder(form)
            return self._class(form)
        except (NameError, TypeError, RecursionError, NoNativeTypeError):
            self._forget_since(before)
            self._undecodable.add(form)
            return None

    def _class(self, form: Any) -> object:  # Any: a class or Class[arguments]
        known = self._classes.get(form)
        if known is not None:
            return known
        native = self._classes[form] = _Native.of(get_origin(form) or form)  # now, because it may contain itself
        fields = fields_of(form)
        if not all(has_only_sound_records(field.type, in_messages=False) for field in fields):
            raise NoNativeTypeError
        if not is_message_class(kind_of(form)) and any(_names_frozen_dict(field.type) for field in fields):
            raise NoNativeTypeError  # such a class would not make a FrozenDict of it
        asked = self._asked
        is_message = is_message_class(kind_of(form))
        native.__annotations__ = {
            field.name: (frozen_form(field.type) if is_message else None) or self._of(field.type) for field in fields
        }
        self._nesting += self._asked > asked
        if self._asked > asked and self._nesting > _MOST_NESTING:
            raise NoNativeTypeError
        if all(native.__annotations__[field.name] is field.type for field in fields):
            self._classes[form] = form
        return self._classes[form]

    def _forget_since(self, before: int) -> None:
        for begun in list(self._classes)[before:]:
            del self._classes[begun]

    def _container(self, form: object, kind: type) -> object:
        arguments = get_args(form)
        if not arguments or not is_container(kind):
            if self._plain and arguments:
                raise NoNativeTypeError
            return form
        generic: Any = kind  # Any: every class that has arguments takes them
        if is_a(kind, collections.abc.Mapping):
            key, value = arguments
            if self._plain and (self._of(key) is object or is_union(bare(key))):
                key = str  # JSON has only strings, and msgspec leaves them as they are
            natives = [_limited_integers(key) if self._limited else self._of(key), self._of(value)]
            if bare(key) is not str and has_messages(value):  # only the slow way notices that two keys are the same
                if self._plain or not _is_supported(value):
                    raise NoNativeTypeError
                natives[1] = value
            if bare(key) is str and kind is FrozenDict:
                generic = dict  # the class that has the field freezes it
        else:
            natives = [argument if argument is ... else self._of(argument) for argument in arguments]
        if generic is kind and all(native is argument for native, argument in zip(natives, arguments, strict=True)):
            return form
        return generic[tuple(natives)]

    def _leaf(self, form: Any) -> object:  # Any: a type without arguments
        if form in OBJECTS:
            return dict[str, object] if self._plain else dict[str, Any]  # Any: the type itself
        if not self._plain:
            return form
        if form is Any or (isinstance(form, TypeVar) and form.__bound__ is None):
            return object
        if isinstance(form, TypeVar):
            parts = [form.__bound__]
        elif not isinstance(form, type) or form is object:
            return form
        elif is_typeddict(form) or hasattr(form, "_fields") or not is_container(form):
            parts = list(get_type_hints(form).values())
        elif form is tuple:
            return tuple[object, ...]
        else:
            generic: Any = form  # Any: containers take arguments
            return generic[str, object] if is_a(form, collections.abc.Mapping) else generic[object]
        if any(self._of(part) is not part for part in parts):
            raise NoNativeTypeError
        return form


def _limited(form: Any) -> Any:  # Any: a type of whatever kind
    """Return a type without messages that refuses integers with more than 64 bits in sets and keys."""
    inner, metadata = unwrapped(form)
    kind = kind_of(inner)
    of_parts = [_limited] * len(get_args(inner))
    if of_parts and kind is not None and is_a(kind, collections.abc.Set, collections.abc.Mapping):
        of_parts[0] = _limited_integers
    return _with_parts(form, inner, metadata, of_parts)


def _limited_integers(form: Any) -> Any:  # Any: as above
    """Return a type of members of sets, or of keys, that refuses integers with more than 64 bits."""
    inner, metadata = unwrapped(form)
    if inner is int:
        return Annotated[(int, *metadata, *_missing_limits(metadata, -(2**63), 2**63 - 1))]
    if is_union(inner) and any(is_fixed(bare(member)) for member in members_of(inner)):
        raise NoNativeTypeError  # msgspec (0.22) crashes on an integer with limits beside such a tuple
    return _with_parts(form, inner, metadata, [_limited_integers] * len(get_args(inner)))


def _with_parts(
    form: Any,  # Any: a type of whatever kind
    inner: object,
    metadata: tuple[object, ...],
    of_parts: Sequence[Callable[[Any], Any]],  # Any: as above
) -> Any:  # Any: as above
    """Return a type with other arguments, each made by a function; return the type itself if none is another one."""
    arguments = get_args(inner)
    generic: Any = Union if is_union(inner) else kind_of(inner)  # Any: it takes arguments
    if not arguments or not (is_union(inner) or is_container(inner)):
        return form
    parts = [each if each is ... else of(each) for each, of in zip(arguments, of_parts, strict=True)]
    if all(part is argument for part, argument in zip(parts, arguments, strict=True)):
        return form
    made = generic[tuple(parts)]
    return Annotated[(made, *metadata)] if metadata else made


def frozen_form(form: object) -> Any:  # Any: a type for msgspec
    """Return the type that msgspec decodes in place of a field of any JSON objects, or None for any other field.

    In it one of `OBJECTS` stands for the type of the objects, which msgspec does not know, so that it calls a function.
    """
    inner, metadata = unwrapped(form)
    if any(isinstance(each, msgspec.Meta) for each in metadata):
        return None
    kind, arguments = kind_of(inner), get_args(inner)
    if is_union(inner):
        others = [member for member in flat_members(inner) if member not in _ABSENT]
        frozen = frozen_form(others[0]) if len(others) == 1 else None  # msgspec allows only these beside such a type
        return frozen and union_of((frozen, *(member for member in flat_members(inner) if member in _ABSENT)))
    if kind is tuple and arguments[1:] == (...,):
        frozen, generic = frozen_form(arguments[0]), cast("Any", tuple)  # Any: takes what the program knows
        return frozen and generic[frozen, ...]
    if inner is Metadata:
        return Metadata
    return FrozenDict if kind in MAPPINGS and arguments in _ANY_JSON else None


MAPPINGS: Final = (collections.abc.Mapping, dict, FrozenDict)
_ANY: Any = Any  # Any: the type itself
_ANY_JSON: Final = ((), (str, _ANY), (str, object))
_ABSENT: Final = (type(None), msgspec.UnsetType)
_MOST_NESTING: Final = 100  # msgspec looks at such classes by recursion, and at all of them for each of them


class _Native(type):
    """The class of native types. It is not `type` itself, because msgspec asks only other objects for an `__origin__`.

    Such a type is the union of its `__args__`, or a class of values whose fields have the types in `__annotations__`.
    """

    __origin__: object
    __args__: tuple[object, ...]

    @staticmethod
    def of(origin: object, arguments: tuple[object, ...] = ()) -> _Native:
        return _Native("Native", (), {"__origin__": origin, "__args__": arguments})


class _Never(
    msgspec.Struct,
    kw_only=True,
    frozen=True,
    forbid_unknown_fields=True,
    tag_field="@type",
    tag="",
):
    """A class without values. In a union with it, msgspec requires the tag of the only other class."""

    number: Annotated[int, msgspec.Meta(ge=1, le=0)]


def _is_message(form: object) -> bool:
    kind = kind_of(bare(form))
    return is_message_class(kind) and not kind.is_record


def _is_supported(form: Any) -> bool:  # Any: a type of whatever kind
    """Return whether msgspec alone supports a type, with the types of all fields of its classes."""
    try:
        msgspec.json.Decoder(form)
    except TypeError:
        return False
    return True


def _names_frozen_dict(form: object) -> bool:
    """Return whether a type contains a FrozenDict; the fields of classes do not count."""
    inner = bare(form)
    return kind_of(inner) is FrozenDict or (
        not is_message_class(kind_of(inner)) and any(map(_names_frozen_dict, get_args(inner)))
    )


def _missing_limits(metadata: tuple[object, ...], least: float, most: float) -> Iterator[msgspec.Meta]:
    """Yield limits of numbers, except where there are others already."""
    known = [meta for meta in metadata if isinstance(meta, msgspec.Meta)]
    if all(meta.ge is None and meta.gt is None for meta in known):
        yield msgspec.Meta(ge=least)
    if all(meta.le is None and meta.lt is None for meta in known):
        yield msgspec.Meta(le=most)

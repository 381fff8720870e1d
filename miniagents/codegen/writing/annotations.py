"""Write the forms of the model as Python annotations."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from miniagents.codegen.library import ANY_JSON, HAND_WRITTEN, JSON_VALUE, JSON_VALUE_MODULE, LIBRARY_MODULE, PACKAGE
from miniagents.codegen.model import (
    Anything,
    ArrayOf,
    Choice,
    Chosen,
    Form,
    Limits,
    MapOf,
    Named,
    OneOf,
    Scalar,
    TupleOf,
)
from miniagents.codegen.shaping.limits import whole
from miniagents.codegen.texts import literal

_SCALARS: Final = {"string": "str", "integer": "int", "boolean": "bool", "null": "None"}
_FORMATS: Final = {
    "date-time": ("datetime", "datetime"),
    "date": ("datetime", "date"),
    "time": ("datetime", "time"),
    "duration": ("datetime", "timedelta"),
    "uuid": ("uuid", "UUID"),
    "byte": ("builtins", "bytes"),
}
_PLACES: Final = {
    "Mapping": "collections.abc",
    **dict.fromkeys(("TYPE_CHECKING", "Annotated", "ClassVar", "Literal", "TypeAlias"), "typing"),
    **dict.fromkeys(
        (
            *(ANY_JSON, "NO_EXTRAS", "Extras", "Maybe", "OpenRecord"),
            *("SchemaCodec", "SchemaName", "SchemaTable", "When"),
        ),
        LIBRARY_MODULE,
    ),
}
_LIBRARY_PLACES: Final = {**HAND_WRITTEN, JSON_VALUE: JSON_VALUE_MODULE}


@dataclass(slots=True)
class Annotator:
    """Writes annotations, and records the names that they need from other modules.

    Attributes:
        own: The names of the types of the module. An imported name that is equal to one of them gets an alias.
        is_library: Whether the module is the library's own.
        imported: The names used so far, by the modules they come from.
        uses_msgspec: Whether `msgspec` was used.
        typed: The types for formats used so far, with the modules they come from.
    """

    own: frozenset[str]
    is_library: bool
    imported: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    uses_msgspec: bool = False
    typed: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def name(self, name: str) -> str:
        """Return the spelling of a name from another module, and record its import."""
        place = _PLACES.get(name) or (_LIBRARY_PLACES[name] if self.is_library else PACKAGE)
        self.imported.setdefault(place, set()).add(name)
        return f"_{name}" if name in self.own else name

    def msgspec(self, name: str) -> str:
        """Return the spelling of a name of msgspec, and record its import."""
        self.uses_msgspec = True
        return f"msgspec.{name}"

    def type(self, name: str) -> str:
        """Return the spelling of a type of the module or of the library."""
        return name if name in self.own else self.name(name.removeprefix("_"))

    def form(self, form: Form) -> str:
        """Return the annotation for a form."""
        return union(self.alternatives(form))

    def named(self, name: str, form: Form) -> str:
        """Return the annotation for an alias: an object of its own, unless the alias only refers to another type."""
        annotation = self.form(form)
        if self.is_library or isinstance(form, Named):
            return annotation
        mark = f"{self.name('SchemaName')}({literal(name)})]"
        head = f"{self.name('Annotated')}["
        if len(self.alternatives(form)) == 1 and annotation.startswith(head):
            return f"{annotation.removesuffix(']')}, {mark}"
        return f"{head}{annotation}, {mark}"

    def alternatives(self, form: Form) -> list[str]:
        """Return the annotations of the members of a union; most forms have one."""
        match form:
            case Anything():
                return [self.name(JSON_VALUE)]
            case Scalar("number"):
                # Both types are needed, so that a number stays the integer or double that was written.
                return [self._limited("int", whole(form.limits)), self._limited("float", form.limits)]
            case Scalar() if form.format is not None:
                return [self._typed(form.format)]
            case Scalar():
                return [self._limited(_SCALARS[form.kind], form.limits)]
            case Choice():
                values = ", ".join(literal(value) for value in form.values if value is not None)
                return [f"{self.name('Literal')}[{values}]", *(["None"] if None in form.values else [])]
            case ArrayOf():
                return [self._limited(f"tuple[{self.form(form.item)}, ...]", form.limits)]
            case TupleOf():
                items = [self.form(item) for item in form.items]
                if form.rest is not None:
                    items.append(f"*tuple[{self.form(form.rest)}, ...]")
                return [f"tuple[{', '.join(items) or '()'}]"]
            case MapOf():
                return [self._limited(f"{self.name('Mapping')}[str, {self.form(form.value)}]", form.limits)]
            case Named():
                return [self.type(form.name)]
            case OneOf():
                is_beside = len(form.forms) > 1
                return [each for part in form.forms for each in self._members(part, is_beside=is_beside)]
            case Chosen():
                return [
                    f"{self.name('Annotated')}[{self.form(form.form)}, {self.name('When')}({literal(form.condition)})]"
                ]

    def _members(self, form: Form, *, is_beside: bool) -> list[str]:
        """Return the annotations of a member of a union; beside others, anything has a type that msgspec reads."""
        return [self.name(ANY_JSON)] if is_beside and form == Anything() else self.alternatives(form)

    def _typed(self, format_: str) -> str:
        """Return the spelling of the type for a format, with a name that no field can have."""
        place, name = _FORMATS[format_]
        self.typed.add((place, name))
        return f"_{name}"

    def imports(self) -> list[str]:
        """Return the import statements for all used names, in the order of formatters."""
        blocks: list[list[str]] = [[], ["import msgspec"] * self.uses_msgspec, []]
        typed = {place: {name for each, name in self.typed if each == place} for place, _ in self.typed}
        for place in sorted({*self.imported, *typed}):
            names = sorted(self.imported.get(place, set()), key=_sorting_key)
            written = [f"{name} as _{name}" if name in self.own else name for name in names]
            written += [
                f"{name} as _{name}" for name in sorted(typed.get(place, ()), key=lambda name: (name.islower(), name))
            ]
            line = f"from {place} import {', '.join(written)}"
            # The imports of a user's project sort the library beside msgspec; those of the library itself come later.
            block = 0 if "." not in place.removesuffix(".abc") and place != PACKAGE else 2 if self.is_library else 1
            blocks[block].append(line)
        return [line for block in blocks if block for line in ["", *block]][1:]

    def _limited(self, annotation: str, limits: Limits) -> str:
        if not limits:
            return annotation
        arguments = ", ".join(f"{name}={literal(limit)}" for name, limit in limits)
        return f"{self.name('Annotated')}[{annotation}, {self.msgspec('Meta')}({arguments})]"


def import_of(place: str, names: Iterable[str]) -> str:
    """Return the statement that imports names, in the order of formatters."""
    return f"from {place} import {', '.join(sorted(names, key=_sorting_key))}"


def _sorting_key(name: str) -> tuple[bool, bool, str]:
    return not name.isupper(), name.islower(), name


def union(alternatives: Sequence[str]) -> str:
    """Join several annotations to one union; None comes last, as readers expect."""
    return " | ".join(sorted(dict.fromkeys(alternatives), key=lambda each: each == "None"))

"""The validator: what others use."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType

from miniagents.validation.compiling import Compiler
from miniagents.validation.explaining import Explainer
from miniagents.validation.survey import Surveyor, UnsupportedSchemaError
from miniagents.validation.values import JsonValue

__all__ = ["Validator", "Violation"]

_NONE: Mapping[str, Callable[[JsonValue], bool]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Violation:
    """Where and why a value does not fit a schema."""

    path: tuple[str | int, ...]
    """Names and indexes from the value to the part of it that is wrong."""
    keyword: str
    """The keyword that refuses it."""
    message: str
    """What is allowed, and what was found."""
    definition: str
    """The name of the definition with the keyword."""
    pointer: str
    """JSON pointer within the definition to the schema with the keyword; "" is the whole."""


class Validator:
    """Tells whether values fit schemas.

    The values are plain JSON as `json.loads` gives it: `dict`, `list`, `str`, `int`, `float`, `bool` and None, and no
    subclasses of them.

    Args:
        definitions: Schemas (JSON Schema 2020-12) by name. A `$ref` is "#/$defs/" and a name; one to "miniagents:…" may
            also be such a name as a whole. A `pattern` is a regular expression of Python. `format` is a note, unless
            the schema has `"x-miniagents-format": "checked"`; unknown keywords are notes.
        predicates: By a whole `$ref`, what is asked in place of a schema. What they accept counts as evaluated.

    >>> validator = Validator({"Point": {"type": "array", "items": {"type": "number"}, "minItems": 2}})
    >>> validator.violation("Point", [1, 2.5]) is None
    True
    >>> validator.violation("Point", [1, "2"])
    Violation(path=(1,), keyword='type', message='Expected number; got "2"', definition='Point', pointer='/items')
    """

    __slots__ = ("_compiler", "_definitions", "_explainer", "_surveyor")

    def __init__(
        self,
        definitions: Mapping[str, JsonValue],
        predicates: Mapping[str, Callable[[JsonValue], bool]] = _NONE,
    ) -> None:
        self._definitions = definitions
        self._surveyor = Surveyor(definitions, predicates)
        self._compiler = Compiler(definitions, predicates, self._surveyor)
        self._explainer = Explainer(definitions, predicates)

    def unsupported(self) -> tuple[UnsupportedSchemaError, ...]:
        """Return everything in any definition that cannot be checked."""
        return self._surveyor.problems()

    def accepts(self, name: str, value: JsonValue, pointer: str = "") -> bool:
        """Return whether a value fits a definition, or the schema at a JSON pointer within it.

        Raises:
            UnsupportedSchemaError: The definition, or one that it refers to, cannot be checked.
            KeyError: There is no such definition, or nothing at the pointer.
        """
        self._surveyor.ensure(name)
        try:
            return self._compiler.check(name, pointer)(value, {})
        except RecursionError:
            return self._explainer.finding(name, value, pointer) is None

    def violation(self, name: str, value: JsonValue, pointer: str = "") -> Violation | None:
        """Return why a value does not fit a definition, or the schema at a JSON pointer within it; None if it does.

        Of several reasons it is the most telling one: of the branches of a union that which was meant, by its tag,
        or which fits the deepest.

        Raises:
            UnsupportedSchemaError: The definition, or one that it refers to, cannot be checked.
            KeyError: There is no such definition, or nothing at the pointer.
        """
        self._surveyor.ensure(name)
        with suppress(RecursionError):  # the explainer needs no stack
            if self._compiler.check(name, pointer)(value, {}):
                return None
        finding = self._explainer.finding(name, value, pointer)
        if finding is None:
            return None
        return Violation(tuple(finding.keys()), finding.keyword, finding.message, finding.definition, finding.pointer)

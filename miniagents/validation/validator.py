"""`Validator`, the public interface of the package."""

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
    """The place where a value does not fit a schema, and the reason."""

    path: tuple[str | int, ...]
    """The names and indexes from the value to the wrong part of it."""
    keyword: str
    """The keyword that refuses the part."""
    message: str
    """What is allowed, and what was found instead."""
    definition: str
    """The name of the definition with the keyword."""
    pointer: str
    """The JSON pointer in the definition to the schema with the keyword; "" is the whole definition."""


class Validator:
    """Checks values against schemas.

    The values are plain JSON as `json.loads` returns it: `dict`, `list`, `str`, `int`, `float`, `bool` and None, and no
    subclasses.

    Args:
        definitions: The schemas (JSON Schema 2020-12) by name. A `$ref` is "#/$defs/" and a name, or a name that begins
            with "miniagents:". A `pattern` is a regular expression of Python. `format` is a note, unless the schema has
            `"x-miniagents-format": "checked"`. Unknown keywords are notes.
        predicates: Functions to call instead of a schema, by the whole text of a `$ref`. If one accepts a value, all
            properties and items of the value count as evaluated.

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

    def __repr__(self) -> str:
        return f"<Validator of {', '.join(self._definitions):.80}>"

    def unsupported(self) -> tuple[UnsupportedSchemaError, ...]:
        """Return the errors of all keywords and schemas that cannot be checked, in all definitions."""
        return self._surveyor.problems()

    def accepts(self, name: str, value: JsonValue, pointer: str = "") -> bool:
        """Return whether a value fits a definition, or the schema at a JSON pointer within it.

        Raises:
            UnsupportedSchemaError: The definition, or one that it refers to, cannot be checked.
            KeyError: There is no such definition, or no schema at the pointer.
        """
        self._surveyor.ensure(name)
        try:
            return self._compiler.check(name, pointer)(value, {})
        except RecursionError:
            return self._explainer.finding(name, value, pointer) is None

    def violation(self, name: str, value: JsonValue, pointer: str = "") -> Violation | None:
        """Return why a value does not fit a definition, or the schema at a JSON pointer within it; None if it does.

        If there are several reasons, the most useful one is returned. For a union it is the reason of the branch that
        the tag of the value names, or of the branch that fits to the greatest depth.

        Raises:
            UnsupportedSchemaError: The definition, or one that it refers to, cannot be checked.
            KeyError: There is no such definition, or no schema at the pointer.
        """
        self._surveyor.ensure(name)
        with suppress(RecursionError):  # nested too deep for the closures; the explainer does not recurse
            if self._compiler.check(name, pointer)(value, {}):
                return None
        finding = self._explainer.finding(name, value, pointer)
        if finding is None:
            return None
        return Violation(tuple(finding.keys()), finding.keyword, finding.message, finding.definition, finding.pointer)

"""JSON Schema 2020-12 at run time: check whether plain JSON fits a schema, and explain where and why it does not.

Generated modules bring their schema along; what a type cannot say is checked against it here. Only the standard library
is needed. A schema is compiled to closures at its first use; a value that they refuse (or that is nested too deeply for
them) is looked at a second time by an interpreter that needs no stack and says what is wrong.

The validator is imported when its names are first used: the table of keywords alone, `keywords`, costs little.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from miniagents.validation.survey import UnsupportedSchemaError
    from miniagents.validation.validator import Validator, Violation

__all__ = ["UnsupportedSchemaError", "Validator", "Violation"]


def __getattr__(name: str) -> object:
    """Import the validator for one of its names."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from miniagents.validation import validator  # noqa: PLC0415  # see above

    return getattr(validator, name)

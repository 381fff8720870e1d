"""JSON Schema 2020-12 at run time: check whether plain JSON fits a schema, and explain where and why it does not.

Generated modules contain their schemas. This package checks data against them where Python types cannot express a rule.
It needs only the standard library. A schema is compiled to closures at its first use. If they refuse a value, or it is
nested too deeply for them, an interpreter evaluates it a second time: it does not recurse, and it says what is wrong.

The validator is imported when one of its names is first used, because many modules need only the cheap table of
keywords in `keywords`.
"""

from typing import TYPE_CHECKING

from miniagents._lazy import lazy_names

if TYPE_CHECKING:
    from miniagents.validation.survey import UnsupportedSchemaError
    from miniagents.validation.validator import Validator, Violation
else:
    __getattr__, __dir__ = lazy_names(
        __name__, {"survey": ("UnsupportedSchemaError",), "validator": ("Validator", "Violation")}
    )

__all__ = ["UnsupportedSchemaError", "Validator", "Violation"]

"""The parameters of a tool whose JSON Schema is given: the function gets the arguments as one mapping."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final, TypeGuard

import msgspec

from miniagents.messages import DecodeError, encode
from miniagents.messages.coding.json_text import read_json
from miniagents.messages.values.freezing import path_of
from miniagents.tools.parameters import read_parameter
from miniagents.validation import Validator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from miniagents.tools._context import GivenBy

__all__ = ["SchemaParameters"]

_WHOLE: Final = "arguments"


class SchemaParameters:
    """The parameters of a function that is given all arguments as one mapping.

    Args:
        what: The name of the tool in errors.
        schema: The JSON Schema of the arguments.
        function: The function.
        local_names: The local names at the place of definition, which annotations may use.
        is_checked: Whether the arguments are checked against the schema.

    Attributes:
        schema: The JSON Schema of the arguments.
        given: What gives the other arguments of the function, by the names of their parameters.

    Raises:
        TypeError: The schema is not one of objects, is not JSON-serialisable or cannot be checked; or the function
            takes other arguments.
    """

    def __init__(
        self,
        what: str,
        schema: Mapping[str, object],
        function: Callable[..., object],
        local_names: Mapping[str, object],
        *,
        is_checked: bool,
    ) -> None:
        try:
            plain: Any = msgspec.json.decode(encode(schema))  # Any: JSON
        except (TypeError, ValueError, RecursionError) as error:
            raise TypeError(f"{what}: the schema of its arguments is not JSON-serialisable: {error}") from None
        if not _is_object(plain) or plain.get("type", "object") != "object":
            raise TypeError(f'{what}: the schema of its arguments must be one of objects: {{"type": "object", ...}}')
        self.schema: dict[str, Any] = {"type": "object"}  # Any: JSON
        self.schema.update(plain)
        self.given: dict[str, GivenBy] = {}
        self._by_place: list[str] = []
        self._validator = self._validator_of(what) if is_checked else None
        parameters = list(inspect.signature(function).parameters.values())
        if not parameters or parameters[0].kind not in (
            inspect.Parameter.POSITIONAL_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
        ):
            raise TypeError(f"{what}: its function must take the arguments as one mapping, by position")
        for other in parameters[1:]:
            is_typed = other.annotation is not other.empty
            given_by = read_parameter(function, other, what, local_names, {}).given_by if is_typed else None
            if given_by is not None:
                self.given[other.name] = given_by
                if other.kind is other.POSITIONAL_ONLY:
                    self._by_place.append(other.name)
            elif other.default is other.empty:
                raise TypeError(
                    f"{what}: its function is given one mapping with all arguments, and nothing for {other.name!r}; "
                    "only a ToolContext or an InteractionContext may stand beside it"
                )

    def decode(
        self, data: str | bytes, given: Mapping[str, object] | None = None, *, nulls_are_absent: bool = False
    ) -> tuple[list[object], dict[str, object]]:
        """Return the positional and the keyword arguments of the call.

        Args:
            data: The arguments as a JSON object; empty text stands for an empty object.
            given: The arguments that no model writes; without them, the result has none for these parameters.
            nulls_are_absent: Ignored.

        Raises:
            DecodeError: The data is not a JSON object, or does not fit the schema.
        """
        del nulls_are_absent
        arguments: object = read_json(data) if data.strip() else {}
        if not _is_object(arguments):
            raise DecodeError("$", "the arguments must be an object")
        if self._validator is not None:
            wrong = self._validator.violation(_WHOLE, arguments)
            if wrong is not None:
                raise DecodeError(path_of("$", wrong.path), wrong.message)
        by_name = {} if given is None else {name: each for name, each in given.items() if name not in self._by_place}
        by_place = [] if given is None else [given[name] for name in self._by_place]
        return [arguments, *by_place], by_name

    def _validator_of(self, what: str) -> Validator:
        definitions = dict(self.schema)
        named: Any = definitions.pop("$defs", {})  # Any: JSON
        validator = Validator({**(named if _is_object(named) else {}), _WHOLE: definitions})
        problems = validator.unsupported()
        if problems:
            raise TypeError(
                f"{what}: the schema of its arguments cannot be checked here: {problems[0]}; "
                "mend it, or give check=False if the function checks its arguments"
            ) from problems[0]
        return validator


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:  # Any: JSON
    return isinstance(value, dict)

"""The parameters of a tool: their JSON Schema for models, and the decoding of JSON into arguments."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, get_type_hints

import msgspec

from miniagents.describing.docstrings import read_docstring
from miniagents.describing.json_schema import JsonSchema, default_keyword, object_schema
from miniagents.describing.nulls import without_nulls
from miniagents.describing.signatures import annotation_of, own_docstring
from miniagents.messages import DecodeError, decode
from miniagents.tools._context import given_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from miniagents.tools._context import GivenBy

__all__ = ["Parameter", "Parameters", "parameters_of", "read_parameter"]

_POSITIONAL_ONLY: Final = inspect.Parameter.POSITIONAL_ONLY
_COLLECTS: Final = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of a tool.

    Attributes:
        name: The name of the parameter and of the property in the schema.
        form: The type of the argument.
        default: The default value; `inspect.Parameter.empty` if the argument is required.
        description: The meaning of the argument, told to models.
        by_position: Whether the function takes the argument by position only.
        given_by: What gives the argument; None if a model writes it.
    """

    name: str
    form: object
    default: object = inspect.Parameter.empty
    description: str = ""
    by_position: bool = False
    given_by: GivenBy | None = None

    @property
    def is_required(self) -> bool:
        """Whether the model must write the argument."""
        return self.default is inspect.Parameter.empty


class Parameters:
    """All parameters of a tool.

    Args:
        what: The name of the tool in errors.
        parameters: The parameters, in the order in which the function takes them.

    Attributes:
        schema: The JSON Schema of the arguments that a model writes.
        given: What gives the other arguments, by the names of their parameters.

    Raises:
        TypeError: A type has no form in JSON, or two parameters have the same name.
    """

    def __init__(self, what: str, parameters: Iterable[Parameter]) -> None:
        self._by_name: dict[str, Parameter] = {}
        self.given: dict[str, GivenBy] = {}
        for parameter in parameters:
            if parameter.name in self._by_name:
                raise TypeError(f"{what}: there are two parameters {parameter.name!r}: give one of them another name")
            self._by_name[parameter.name] = parameter
            if parameter.given_by is not None:
                self.given[parameter.name] = parameter.given_by
        written = [each for each in self._by_name.values() if each.given_by is None]
        try:
            self.schema: JsonSchema = object_schema(
                {
                    each.name: (each.form, {"description": each.description, **default_keyword(each.default)})
                    for each in written
                },
                [each.name for each in written if each.is_required],
            )
        except TypeError as error:
            raise TypeError(f"{what}: parameter {str(error).removeprefix('$.')}") from None
        for each in written:
            _check_decodable(what, each)

    def decode(
        self, data: str | bytes, given: Mapping[str, object] | None = None, *, nulls_are_absent: bool = False
    ) -> tuple[list[object], dict[str, object]]:
        """Return the positional and the keyword arguments of the call.

        Args:
            data: The arguments as a JSON object; empty text stands for an empty object.
            given: The arguments that no model writes; without them, the result has none for these parameters.
            nulls_are_absent: Whether null stands for the default of an argument that cannot be null. Models write such
                nulls under strict schemas, which require every property.

        Raises:
            DecodeError: The data is not a JSON object, or an argument is unknown, missing or of the wrong type. The
                error names the path.
        """
        written = self._properties(data, nulls_are_absent=nulls_are_absent)
        by_place: list[object] = []
        by_name: dict[str, object] = {}
        for name, parameter in self._by_name.items():
            is_there = True
            if parameter.given_by is not None:
                if given is None:
                    continue
                value = given[name]
            elif name in written:
                value = _decoded(name, written[name], parameter.form)
            elif parameter.is_required:
                raise DecodeError("$", f"the argument {name!r} is missing")
            else:
                value, is_there = parameter.default, False
            if parameter.by_position:
                by_place.append(value)
            elif is_there:
                by_name[name] = value
        return by_place, by_name

    def _properties(self, data: str | bytes, *, nulls_are_absent: bool) -> Mapping[str, bytes]:
        if not data.strip():
            return {}
        try:
            if nulls_are_absent:
                data = msgspec.json.encode(without_nulls(msgspec.json.decode(data), self.schema))
            given = msgspec.json.decode(data, type=Mapping[str, msgspec.Raw])
        except msgspec.ValidationError:
            raise DecodeError("$", "the arguments must be an object") from None
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise DecodeError("$", str(error)) from None
        for name in given:
            if name not in self._by_name or name in self.given:
                names = ", ".join(name for name in self._by_name if name not in self.given)
                known = f"the arguments are: {names}" if names else "it takes none"
                raise DecodeError(f"$.{name}", f"there is no such argument; {known}")
        return {name: bytes(raw) for name, raw in given.items()}


def parameters_of(function: Callable[..., object], what: str, local_names: Mapping[str, object]) -> Sequence[Parameter]:
    """Return the parameters of a function, with their descriptions from its docstring.

    Args:
        function: The function.
        what: The name of the tool in errors.
        local_names: The local names at the place of definition, which annotations may use.

    Raises:
        TypeError: A model cannot write an argument for one of the parameters, or the docstring describes a parameter
            that does not exist.
    """
    described = read_docstring(own_docstring(function)).arguments
    parameters = inspect.signature(function).parameters
    for name in described:
        if name not in parameters:
            raise TypeError(f"{what}: its docstring describes {name!r}, which is not a parameter")
    return [read_parameter(function, each, what, local_names, described) for each in parameters.values()]


def read_parameter(
    function: Callable[..., object],
    parameter: inspect.Parameter,
    what: str,
    local_names: Mapping[str, object],
    described: Mapping[str, str],
) -> Parameter:
    """Return one parameter of a function, with its resolved type and its description.

    Args:
        function: The function.
        parameter: The parameter in the function's signature.
        what: The name of the tool in errors.
        local_names: The local names at the place of definition, which annotations may use.
        described: The descriptions of parameters by name.

    Raises:
        TypeError: The parameter collects arguments, has no type, or has a type with an unknown name.
    """
    name = parameter.name
    if parameter.kind in _COLLECTS:
        raise TypeError(
            f"{what}: a model cannot give arguments for {_COLLECTS[parameter.kind]}{name}: name each one, or "
            "take a list or a mapping"
        )
    try:
        annotation, names = annotation_of(function, name, local_names)
        holder = type("_", (), {"__annotations__": {name: annotation}})
        form: object = get_type_hints(holder, localns=dict(names), include_extras=True)[name]
    except NameError as error:
        raise TypeError(
            f"{what}: the type of parameter {name!r} has a name that is not known where the tool is defined: {error}; "
            "tools read their annotations at run time, so import it outside of `if TYPE_CHECKING`"
        ) from None
    if parameter.annotation is inspect.Parameter.empty:
        hint = "; for a method, pass the bound one: tool(thing.method)" if name in ("self", "cls") else ""
        raise TypeError(f"{what}: parameter {name!r} has no type, so a model cannot know what to give{hint}")
    return Parameter(
        name=name,
        form=form,
        default=parameter.default,
        description=described.get(name, ""),
        by_position=parameter.kind is _POSITIONAL_ONLY,
        given_by=given_by(form),
    )


def _check_decodable(what: str, parameter: Parameter) -> None:
    try:
        _decoded(parameter.name, b"null", parameter.form)
    except DecodeError:
        pass
    except TypeError as error:
        raise TypeError(f"{what}: parameter {parameter.name}: {error}") from None


def _decoded(name: str, data: bytes, form: Any) -> object:  # Any: a type that is known only at run time
    try:
        return decode(data, form)
    except DecodeError as error:
        raise type(error)(f"$.{name}{error.path.removeprefix('$')}", error.reason) from None

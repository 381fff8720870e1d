"""Tool: a function with what a language model has to know of it."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import re
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, overload

from typing_extensions import ParamSpec, TypeVar

from miniagents.describing.docstrings import read_docstring
from miniagents.describing.signatures import names_around, own_docstring
from miniagents.messages import ContentPart, DecodeError, FrozenDict, MessagePromise, ToolCall, ToolResultMessage
from miniagents.promising.sentinels import EndLoop
from miniagents.tools._results import ToolReturn, pieces_of_result
from miniagents.tools.parameters import Parameters, parameters_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping

    from miniagents.messages import StreamEvent

__all__ = ["Tool", "tool"]

P = ParamSpec("P")
R_co = TypeVar("R_co", bound=ToolReturn, covariant=True)
R = TypeVar("R", bound=ToolReturn)

logger: Final = logging.getLogger("miniagents")

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Tool(Generic[P, R_co]):
    """A function that language models can call; `tool` makes it of a function, `as_tool` of an agent.

    It is called like the function that it was made of.

    Attributes:
        name: What models call it.
        description: What it does and when to use it; None if nobody said.
        parameters: The JSON Schema of its arguments, an object's.
        strict: Whether providers are to see to it that the arguments are of that schema.
    """

    def __init__(
        self,
        function: Callable[P, R_co],
        parameters: Parameters,
        *,
        name: str,
        description: str | None,
        strict: bool = False,
        in_thread: bool = False,
    ) -> None:
        if not _NAME.fullmatch(name):
            raise TypeError(
                f"tool {name!r}: the name of a tool has up to 64 letters, digits, hyphens and underscores of ASCII: "
                "give it as name=..."
            )
        functools.update_wrapper(self, function)
        self._function = function
        self._parameters = parameters
        self._in_thread = in_thread
        self.name: str = name
        self.description: str | None = description
        self.parameters: Mapping[str, object] = FrozenDict(parameters.schema)
        self.strict: bool = strict

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the function."""
        return self._function(*args, **kwargs)

    def decode(self, arguments: str | bytes, /) -> inspect.BoundArguments:
        """Return the arguments that a model gives, as the function takes them.

        Args:
            arguments: A JSON object; an empty text stands for one without properties.

        Raises:
            DecodeError: It is no such object, or an argument is unknown, missing or of the wrong type; with the path.
        """
        by_place, by_name = self._parameters.decode(arguments, nulls_are_absent=self.strict)
        return inspect.signature(self._function).bind(*by_place, **by_name)

    def answer(self, call: ToolCall, /) -> MessagePromise[ToolResultMessage]:
        """Carry out a model's call, and return the promise of the result; it starts whether that is read or not.

        The text of the result is what the function returns: a text or a message as it is, whatever else as JSON; what
        arrives piece by piece (replies of agents, async generators) is streamed. Pictures and files (`ImagePart`,
        `FilePart`, a list with such, the `content` of messages) are the result's `content`.

        Wrong arguments, and an `Exception` of the function, make the text of a result that `is_error`, for the model to
        do better; the latter is logged as well. `EndLoop`, cancellation and whatever is no `Exception` are raised.

        Cancelling the promise cancels the function, unless it runs in a thread, which nothing can stop.

        Raises:
            NoActiveContextError: There is no active context.

        >>> @tool
        ... def add(left: int, right: int) -> int:
        ...     return left + right
        >>> async def main() -> None:
        ...     async with MiniAgents():
        ...         print(await add.answer(ToolCall(id="1", name="add", arguments='{"left": 1, "right": 2}')))
        ...         wrong = await add.answer(ToolCall(id="2", name="add", arguments='{"left": 1, "right": "2"}'))
        ...         print(wrong.is_error, wrong)
        >>> asyncio.run(main())
        3
        True $.right: Expected `int`, got `str`
        """
        failed = False
        content: list[ContentPart] = []

        async def pieces() -> AsyncIterator[str | StreamEvent]:
            nonlocal failed
            said = False
            try:
                async with aclosing(self._pieces(call.arguments)) as given:
                    async for piece in given:
                        if isinstance(piece, ContentPart):
                            content.append(piece)
                        else:
                            said = said or bool(piece)
                            yield piece
            except EndLoop:
                raise
            except Exception as error:  # noqa: BLE001 - the model is told of all of them
                failed = True
                yield ("\n\n" if said else "") + self._told(error)

        async def whole(tokens: AsyncIterable[str]) -> ToolResultMessage:
            text = "".join([token async for token in tokens])
            return ToolResultMessage(
                text, tool_call_id=call.id, tool_name=self.name, is_error=failed, content=tuple(content)
            )

        return MessagePromise(
            pieces,
            whole,
            message_class=ToolResultMessage,
            known={"tool_call_id": call.id, "tool_name": self.name, "role": "tool"},
            start_asap=True,  # calls are asked for, and run at the same time, whether results are read or not
            name=f"tool {self.name!r}",
        )

    def __repr__(self) -> str:
        return f"<Tool {self.name!r}>"

    # --- machinery ---

    async def _pieces(self, arguments: str) -> AsyncGenerator[str | StreamEvent | ContentPart]:
        try:
            bound = self.decode(arguments)
        except DecodeError as error:
            raise _WrongArgumentsError(str(error)) from None
        function: Callable[..., object] = self._function
        if self._in_thread:
            result = await asyncio.to_thread(function, *bound.args, **bound.kwargs)
        else:
            result = function(*bound.args, **bound.kwargs)
        async with aclosing(pieces_of_result(result)) as pieces:
            async for piece in pieces:
                yield piece

    def _told(self, error: Exception) -> str:
        """Return what a model is told of an error, which is logged where it is no fault of the model."""
        if isinstance(error, _WrongArgumentsError):
            return str(error)
        logger.warning("tool %r failed, which the model is told", self.name, exc_info=error)
        return f"{type(error).__name__}: {error}"


class _WrongArgumentsError(Exception):
    """The model gave arguments that the tool does not take."""


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...
@overload
def tool(
    *, name: str | None = None, description: str | None = None, strict: bool = False, in_thread: bool | None = None
) -> _Decorator: ...
def tool(
    function: Callable[..., Any] | None = None,  # Any: the overloads say what it is
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool = False,
    in_thread: bool | None = None,
) -> Any:  # Any: as above
    """Make a tool of a function.

    What models are told of the arguments comes from the types of the parameters, `Annotated[..., msgspec.Meta(...)]`
    among them, and from the section "Args:" of the docstring; the description is what stands before the first section.

    An async function runs in the loop. A plain one runs in a thread, so that it holds up nobody.

    Args:
        function: The function.
        name: What models call it; by default the name of the function.
        description: What it does and when to use it; by default the docstring says it.
        strict: Providers are to see to it that the arguments are of the schema. They can do so for schemas of certain
            forms, and the agent that is given the tool refuses it otherwise. Arguments are checked in any case.
        in_thread: Whether it runs in a thread; by default a plain function does. One that asks agents must not.

    Raises:
        TypeError: A parameter has no type or one that has no form in JSON, collects arguments, or is described without
            being there; the function is a plain generator; or the name is none for a tool.

    >>> @tool
    ... def wind(city: str, unit: str = "m/s") -> str:
    ...     '''The wind at a place.
    ...
    ...     Args:
    ...         city: Where.
    ...     '''
    ...     return f"3 {unit} in {city}"
    >>> wind("Kiel")
    '3 m/s in Kiel'
    >>> wind.description, wind.parameters["properties"]["city"]["description"]
    ('The wind at a place.', 'Where.')
    """
    local_names = names_around(2)

    def decorate(function: Callable[..., Any]) -> Tool[..., Any]:  # Any: as above
        if inspect.isclass(function) or not hasattr(function, "__call__"):  # noqa: B004 - checkers know that it has
            raise TypeError(f"@tool: {function!r:.200} is no function; write `@tool` or `@tool(name=...)`")
        own_name: str = getattr(function, "__name__", type(function).__name__)
        called = name if name is not None else own_name
        what = f"tool {called!r}"
        if inspect.isgeneratorfunction(function):
            raise TypeError(f"{what}: a plain generator cannot stream; write `async def {called}(...)`")
        return Tool(
            function,
            Parameters(what, parameters_of(function, what, local_names)),
            name=called,
            description=description or read_docstring(own_docstring(function)).text or None,
            strict=strict,
            in_thread=not _is_async(function) if in_thread is None else in_thread,
        )

    return decorate if function is None else decorate(function)


class _Decorator(Protocol):
    """What `@tool(...)` does to a function."""

    def __call__(self, function: Callable[P, R], /) -> Tool[P, R]: ...


def _is_async(function: Callable[..., object]) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    call = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    return inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)

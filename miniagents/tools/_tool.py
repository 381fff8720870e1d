"""`Tool` and `@tool`: functions with the description that a language model needs to call them."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import pickle
import re
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Concatenate, Final, Generic, Protocol, TypeAlias, overload

from typing_extensions import ParamSpec, TypeVar

from miniagents.calls.surrounding import surroundings_here
from miniagents.describing.docstrings import read_docstring
from miniagents.describing.importing import imported
from miniagents.describing.signatures import names_around, own_docstring
from miniagents.messages import (
    ContentPart,
    DecodeError,
    FrozenDict,
    Identity,
    MessagePromise,
    ToolCall,
    ToolResultMessage,
)
from miniagents.promising.core.arguments import check_not_negative
from miniagents.promising.sentinels import EndLoop
from miniagents.tools._approving import Approve, allowed
from miniagents.tools._context import ToolContext, arguments_given
from miniagents.tools._errors import ToolError, WrongArgumentsError
from miniagents.tools._results import ToolReturn, pieces_of_result
from miniagents.tools._threads import run_in_thread
from miniagents.tools.parameters import Parameters, parameters_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping, Sequence

    from miniagents.messages import Message, StreamEvent
    from miniagents.tools._schema_parameters import SchemaParameters

__all__ = ["Tool", "tool"]

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R", bound=ToolReturn)
Q = ParamSpec("Q")
D = TypeVar("D")
S = TypeVar("S", bound=ToolReturn)

logger: Final = logging.getLogger("miniagents")

_Function: TypeAlias = "Callable[..., Any]"  # Any: the overloads of `tool` tie the result to the function

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _is_name(given: object) -> bool:
    return isinstance(given, str) and _NAME.fullmatch(given) is not None


class Tool(Generic[P, R_co]):
    """A function that language models can call; made by `tool` from a function, and by `as_tool` from an agent.

    The program can call the tool like the function itself.

    `Tool.of_schema` makes one of a schema and a function of one mapping.

    Attributes:
        name: The tool's name for models.
        description: What the tool does and when to use it; None if there is no description.
        parameters: The JSON Schema of the arguments; its type is "object".
        strict: Whether providers must enforce this schema when the model writes arguments.
        timeout: Seconds that a call may take; None if it may take as long as it likes.
        approve: Whether a model's calls need approval, or the function that is asked.
    """

    if TYPE_CHECKING:
        __qualname__: str

    def __init__(
        self,
        function: Callable[P, R_co],
        parameters: Parameters | SchemaParameters,
        *,
        name: str,
        description: str | None,
        strict: bool = False,
        in_thread: bool = False,
        timeout: float | None = None,
        approve: Approve = False,
        remake: functools.partial[Any] | None = None,  # Any: a tool like this one
    ) -> None:
        if not _is_name(name):
            raise TypeError(
                f"tool {name!r}: the name of a tool has up to 64 ASCII letters, digits, hyphens and underscores: "
                "give another one as name=..."
            )
        if not isinstance(approve, bool) and not callable(approve):
            raise TypeError(f"tool {name!r}: approve={approve!r:.200}: give True, False, or a function that is asked")
        if timeout is not None:
            no_zero = "give a number of seconds above 0, or None"
            check_not_negative(f"tool {name!r}: timeout={timeout!r}", timeout, if_zero=no_zero)
        functools.update_wrapper(self, function)
        self._function = function
        self._parameters = parameters
        self._in_thread = in_thread
        self.timeout: float | None = timeout
        self.approve: Approve = approve
        self._remake = remake  # makes the tool once more, in another process
        self.name: str = name
        self.description: str | None = description
        self.parameters: Mapping[str, object] = FrozenDict(parameters.schema)
        self.strict: bool = strict

    @overload
    @staticmethod
    def of_schema(
        name: str,
        description: str | None,
        parameters: Mapping[str, object],
        function: Callable[[dict[str, Any], ToolContext[D]], S],  # Any: JSON that fits the schema
        /,
        *,
        check: bool = True,
        in_thread: bool | None = None,
        timeout: float | None = None,
        approve: Approve = False,
    ) -> Tool[[dict[str, Any], ToolContext[D]], S]: ...  # Any: as above
    @overload
    @staticmethod
    def of_schema(
        name: str,
        description: str | None,
        parameters: Mapping[str, object],
        function: Callable[Concatenate[dict[str, Any], Q], S],  # Any: as above
        /,
        *,
        check: bool = True,
        in_thread: bool | None = None,
        timeout: float | None = None,
        approve: Approve = False,
    ) -> Tool[Concatenate[dict[str, Any], Q], S]: ...  # Any: as above
    @staticmethod
    def of_schema(
        name: str,
        description: str | None,
        parameters: Mapping[str, object],
        function: Callable[..., object],
        /,
        *,
        check: bool = True,
        in_thread: bool | None = None,
        timeout: float | None = None,
        approve: Approve = False,
    ) -> Any:  # Any: a tool; the overloads say of what
        """Make a tool whose JSON Schema is there already, for example from a server or a file.

        Args:
            name: The tool's name for models.
            description: What the tool does and when to use it.
            parameters: The JSON Schema of the arguments, which is one of objects.
            function: The function. It gets all arguments as one mapping of plain JSON. Only a `ToolContext` or an
                `InteractionContext` may stand beside it.
            check: Whether arguments are checked against the schema before the function is called.
            in_thread: Whether the function runs in a thread; by default a plain function does.
            timeout: Seconds that a call may take; see `tool`.
            approve: Whether calls need approval; see `tool`.

        Raises:
            TypeError: The name is invalid for a tool, the schema is not one of objects or cannot be checked, or the
                function takes other arguments.

        >>> schema = {"properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
        >>> wind = Tool.of_schema("wind", "The wind.", schema, lambda arguments: f"3 m/s in {arguments['city']}")
        >>> async def main() -> None:
        ...     async with MiniAgents():
        ...         print(await wind.answer(ToolCall(id="1", name="wind", arguments='{"city": "Kiel"}')))
        ...         print(await wind.answer(ToolCall(id="2", name="wind", arguments='{"city": 3}')))
        >>> asyncio.run(main())
        3 m/s in Kiel
        $.city: Expected string; got 3
        """
        from miniagents.tools._schema_parameters import SchemaParameters  # noqa: PLC0415 - few programs have schemas

        local_names = names_around(2)
        return Tool(
            function,
            SchemaParameters(f"tool {name!r}", parameters, function, local_names, is_checked=check),
            name=name,
            description=description or None,
            in_thread=not _is_async(function) if in_thread is None else in_thread,
            timeout=timeout,
            approve=approve,
        )

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the function and return its result unchanged."""
        return self._function(*args, **kwargs)

    def decode(self, arguments: str | bytes, /) -> inspect.BoundArguments:
        """Decode the arguments that a model wrote, and bind them to the parameters of the function.

        Those that the loop gives, such as a `ToolContext`, are left out.

        Args:
            arguments: A JSON object; empty text stands for an empty object.

        Raises:
            DecodeError: The text is not a JSON object, or an argument is unknown, missing or of the wrong type. The
                error names the path.
        """
        by_place, by_name = self._parameters.decode(arguments, nulls_are_absent=self.strict)
        signature = inspect.signature(self._function)
        written = [each for name, each in signature.parameters.items() if name not in self._parameters.given]
        return signature.replace(parameters=written).bind(*by_place, **by_name)

    def answer(
        self, call: ToolCall, /, *, deps: object = None, messages: Sequence[Message] = ()
    ) -> MessagePromise[ToolResultMessage]:
        """Start a model's call, and return the promise of its result; the call runs even if nobody reads the result.

        The text of the result is what the function returns: text and messages as they are, any other value as JSON.
        Replies of agents and the pieces of async generators are streamed as they arrive. Pictures and files
        (`ImagePart`, `FilePart`, a list with such parts, the `content` of messages) become the result's `content`.

        Wrong arguments or an `Exception` of the function give a result with `is_error`, whose text tells the model the
        error. Errors of the function are logged too. `EndLoop`, cancellations and other errors that are not an
        `Exception` are raised to the readers of the result.

        Cancelling the promise cancels the function. A function that runs in a thread cannot be stopped.

        Args:
            call: The model's call.
            deps: What a `ToolContext` gives to the function.
            messages: The conversation so far, for a `ToolContext`.

        Raises:
            NoActiveContextError: There is no active context, or no agent is running and the function takes an
                `InteractionContext`.
            TypeError: The function needs `deps` of another type.

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
        context = ToolContext(deps=deps, call=call, messages=messages)
        self._check_deps(deps)
        around = surroundings_here()
        if around is None:
            return self._answered(context)
        from miniagents.tools._tool_callee import answer_around  # noqa: PLC0415 - a circle: it calls tools

        return answer_around(around, self, context)

    @property
    def identity(self) -> Identity:
        """What the tool is, as a frozen value with a hash key: its name, description and schema.

        >>> @tool
        ... def add(left: int, right: int) -> int:
        ...     return left + right
        >>> add.identity.kind, add.identity.name, [*add.identity.details["parameters"]["properties"]]
        ('tool', 'add', ['left', 'right'])
        """
        details: Any = {"parameters": self.parameters}  # Any: JSON
        if self.description is not None:
            details["description"] = self.description
        if self.strict:
            details["strict"] = True
        return Identity(kind="tool", name=self.name, details=details)

    def __reduce__(self) -> str | tuple[Any, ...]:  # Any: the protocol of pickle
        if imported(self) is self:
            return self.__qualname__
        if self._remake is None or (self._remake.func is _remade and imported(self._function) is not self._function):
            raise pickle.PicklingError(
                f"tool {self.name!r} cannot be pickled: no import finds {self.__qualname__}; "
                "define it at the top level of a module"
            )
        return self._remake, ()

    def __repr__(self) -> str:
        return f"<Tool {self.name!r}>"

    # --- machinery ---

    def _check_deps(self, deps: object) -> None:
        """Raise an error if the loop cannot give what the function needs."""
        if self._parameters.given:
            arguments_given(f"tool {self.name!r}", self._parameters.given, ToolContext(deps=deps))

    def _answered(
        self, context: ToolContext[object], *, is_approved: bool = False
    ) -> MessagePromise[ToolResultMessage]:
        """Answer a call, with nothing around it."""
        call = context.call
        failed = False
        content: list[ContentPart] = []

        async def pieces() -> AsyncIterator[str | StreamEvent]:
            nonlocal failed
            said = False
            try:
                plain = self.approve is False and self.timeout is None
                pieces_given = self._pieces(context) if plain else self._approved(context, is_approved)
                async with aclosing(pieces_given) as given:
                    async for piece in given:
                        if isinstance(piece, ContentPart):
                            content.append(piece)
                        else:
                            said = said or (isinstance(piece, str) and bool(piece))
                            yield piece
            except EndLoop:
                raise
            except Exception as error:  # noqa: BLE001 - the model is told of every error
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
            start_asap=True,  # a model asked for the call, so it runs even if nobody reads the result
            name=f"tool {self.name!r}",
        )

    async def _approved(
        self, context: ToolContext[object], is_approved: bool
    ) -> AsyncGenerator[str | StreamEvent | ContentPart]:
        if self.approve is not False:
            self._decoded(context)  # nobody is asked about wrong arguments
            context = await allowed(f"tool {self.name!r}", self.approve, context, is_approved=is_approved)
        async with aclosing(self._timed(context)) as pieces:  # the time of people does not count
            async for piece in pieces:
                yield piece

    async def _timed(self, context: ToolContext[object]) -> AsyncGenerator[str | StreamEvent | ContentPart]:
        limit = asyncio.timeout(self.timeout)
        try:
            async with limit, aclosing(self._pieces(context)) as pieces:
                async for piece in pieces:
                    yield piece
        except TimeoutError:
            if not limit.expired():
                raise
            raise ToolError(f"This took longer than {self.timeout:g} s, and was stopped.") from None

    def _decoded(self, context: ToolContext[object]) -> tuple[list[object], dict[str, object]]:
        parameters = self._parameters
        given = arguments_given(f"tool {self.name!r}", parameters.given, context) if parameters.given else None
        try:
            return parameters.decode(context.call.arguments, given, nulls_are_absent=self.strict)
        except DecodeError as error:
            raise WrongArgumentsError(str(error)) from None

    async def _pieces(self, context: ToolContext[object]) -> AsyncGenerator[str | StreamEvent | ContentPart]:
        by_place, by_name = self._decoded(context)
        function: _Function = self._function  # the arguments were decoded to its parameters
        if self._in_thread:
            result = await run_in_thread(context.call, function, by_place, by_name)
        else:
            result = function(*by_place, **by_name)
        async with aclosing(pieces_of_result(result)) as pieces:
            async for piece in pieces:
                yield piece

    def _told(self, error: Exception) -> str:
        """Return the text of an error for the model; log the error unless the model's arguments caused it."""
        if isinstance(error, WrongArgumentsError | ToolError):
            return str(error)
        logger.warning("tool %r failed; the model is told the error", self.name, exc_info=error)
        return f"{type(error).__name__}: {error}"


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool = False,
    in_thread: bool | None = None,
    timeout: float | None = None,
    approve: Approve = False,
) -> _Decorator: ...
def tool(
    function: _Function | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool = False,
    in_thread: bool | None = None,
    timeout: float | None = None,
    approve: Approve = False,
) -> Any:  # Any: a tool or a decorator; the overloads say which
    """Make a tool from a function; also usable as a decorator, with or without arguments.

    The schema of the arguments is made from the types of the parameters and from the section "Args:" of the docstring.
    `Annotated[..., msgspec.Meta(...)]` adds constraints. The description is the text before the first section.

    A parameter of the type `ToolContext` or `InteractionContext` is given by the loop, and the model does not see it.

    An async function runs in the event loop. A plain one runs in a thread, so that it does not block the loop.

    Args:
        function: The function.
        name: The tool's name for models; by default the name of the function.
        description: What the tool does and when to use it; by default taken from the docstring.
        strict: Whether providers must enforce the schema when the model writes arguments. They can enforce only some
            schemas; an agent of a model refuses a strict tool with any other. Arguments are checked here in any case.
        in_thread: Whether the function runs in a thread; by default a plain function does. A function that calls agents
            must not run in a thread.
        timeout: Seconds that a call may take. Then it is cancelled, and the model is told. A function in a thread
            cannot be stopped: it goes on, and nobody waits for it. Whoever leaves the context is told of it.
        approve: Whether each call of a model needs approval. True: an `approval(ask)` of the context must have approved
            it. A function is given the `ToolContext` of the call, and returns an `Approval`, or a promise or another
            awaitable of one, which a person may resolve. Arguments are checked before somebody is asked.

    Raises:
        TypeError: A parameter has no type, a type without a form in JSON, or collects arguments (`*args`, `**kwargs`);
            the docstring describes a parameter that does not exist; the function is a plain generator; or the name is
            invalid for a tool.

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

    def decorate(function: _Function) -> Tool[..., Any]:  # Any: the overloads tie it to the function
        if hasattr(type(function), "as_tool"):
            raise TypeError(f"@tool: {function!r:.200} is an agent; write {function.__name__}.as_tool()")
        if inspect.isclass(function) or not hasattr(function, "__call__"):  # noqa: B004 - checkers know that it has
            raise TypeError(f"@tool: {function!r:.200} is not a function; write `@tool` or `@tool(name=...)`")
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
            timeout=timeout,
            approve=approve,
            remake=functools.partial(_remade, function, name, description, strict, in_thread, timeout, approve),
        )

    return decorate if function is None else decorate(function)


def _remade(
    function: _Function,
    name: str | None,
    description: str | None,
    strict: bool,
    in_thread: bool | None,
    timeout: float | None,
    approve: Approve,
) -> Tool[..., Any]:  # Any: what the function returns
    return tool(
        name=name, description=description, strict=strict, in_thread=in_thread, timeout=timeout, approve=approve
    )(function)


class _Decorator(Protocol):
    """The type of `tool(...)` without a function: a decorator."""

    def __call__(self, function: Callable[P, R], /) -> Tool[P, R]: ...


def _is_async(function: Callable[..., object]) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    call = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    return inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)

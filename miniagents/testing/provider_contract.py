"""The contract of providers of language models, as tests that any provider can run.

A subclass of `ProviderContract` says how the answers of a model look in the provider's protocol. pytest and unittest
find the tests in it:

    class TestMine(ProviderContract):
        def serving(self, *answers):
            return MyServer(answers)

Each test asks with a stream and without one. None needs a plugin for tests that are coroutines.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Protocol, TypeAlias, TypeVar

from miniagents.ext.llm.errors import (
    AuthenticationError,
    ContentFilterError,
    ContextTooLongError,
    LanguageModelError,
    ProviderError,
    RateLimitError,
    RequestRefusedError,
    TransientModelError,
    WrongReplyError,
)
from miniagents.ext.llm.providers import ToolDefinition
from miniagents.messages import (
    AnthropicMessage,
    AssistantMessage,
    Message,
    OpenAIMessage,
    Reasoning,
    ReasoningDelta,
    SystemMessage,
    ToolCall,
    ToolResultMessage,
    Usage,
    UserMessage,
    decode,
    encode,
)
from miniagents.miniagents import MiniAgents
from miniagents.tools import tool

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from miniagents.ext.llm.providers import ModelAgent

__all__ = ["ModelAnswer", "ModelFailure", "ProviderContract", "ProviderServer"]

_USAGE: Final = Usage(input_tokens=11, output_tokens=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAnswer:
    """What a model answers, for a server that says it in a provider's protocol.

    Attributes:
        text: The pieces of the text, each to be sent by itself if the answer is streamed.
        reasoning: The pieces of the reasoning, which comes first.
        calls: The calls of tools, which come last; the arguments are JSON as models write it, so it may be wrong.
        finish: Why the model stops; with calls it is "tool_calls".
        usage: The tokens of the input and of the output.
        ends: What the server does after the pieces: it ends the answer, cuts the connection off, or says nothing more
            until the client closes the connection. The last two are asked for of streams only, with one or more pieces
            of text and nothing else.
    """

    text: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    finish: Literal["stop", "length", "content_filter"] = "stop"
    usage: Usage = _USAGE
    ends: Literal["properly", "cut", "stalled"] = "properly"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFailure:
    """A response that says why there is no answer.

    Attributes:
        status: The HTTP status.
        message: What the server says.
        retry_after: The seconds after which it wants to be asked again; None if it does not say.
    """

    status: int
    message: str = "The server says no."
    retry_after: float | None = None


class ProviderServer(Protocol):
    """A server that answers in a provider's protocol, or what stands for one."""

    def agent(self, **given: Any) -> ModelAgent[Any]:  # Any: what the function that makes agents takes
        """Return an agent whose model is on this server, and which asks again after no failure.

        Args:
            given: Arguments for the function that makes it, always with an `api_key`.
        """
        ...

    def requests(self) -> Sequence[str]:
        """Return the bodies of the requests so far, as text."""
        ...

    async def until_closed(self) -> None:
        """Wait until the client has closed the connection of an answer that is `stalled`."""
        ...


T = TypeVar("T")

_Said: TypeAlias = ModelAnswer | ModelFailure

_KEY: Final = "key-of-the-contract-0123456789"
_STREAMED: Final = (True, False)
_STATUSES: Final[Mapping[int, type[LanguageModelError]]] = {
    400: RequestRefusedError,
    401: AuthenticationError,
    403: AuthenticationError,
    413: ContextTooLongError,
    429: RateLimitError,
    500: ProviderError,
}


class _City(Message, frozen=True, kw_only=True):
    city: str
    celsius: int


@tool(name="weather")
async def _weather(city: str) -> str:
    """Tell the weather.

    Args:
        city: Where.
    """
    return f"{city}: sun"


class ProviderContract(ABC):
    """The tests that a provider passes; a subclass says how its protocol looks.

    Attributes:
        reasons: Whether the protocol has reasoning.
        filters: Whether the protocol says that a filter stopped an answer.
    """

    reasons: ClassVar[bool] = True
    filters: ClassVar[bool] = True

    @abstractmethod
    def serving(self, *answers: ModelAnswer | ModelFailure) -> AbstractAsyncContextManager[ProviderServer]:
        """Return a server that answers requests with these, one after the other.

        Args:
            answers: What it answers. A request after the last of them is a fault of the provider.
        """

    # --- answers ---

    def test_text_arrives_in_pieces(self) -> None:
        """Tokens come as they were sent; the message has the text, the usage and why the model stopped."""
        for stream in _STREAMED:
            pieces, _, message = self._answer(ModelAnswer(text=("Leaves", " in hot", " water.")), stream=stream)
            if stream:
                _same("the tokens", pieces, ["Leaves", " in hot", " water."])
            _same("the text of the tokens", "".join(pieces), "Leaves in hot water.")
            _same("the text", message.text, "Leaves in hot water.")
            _same("finish_reason", message.finish_reason, "stop")
            usage = message.usage
            _same("the usage", usage and (usage.input_tokens, usage.output_tokens), (11, 7))

    def test_reasoning_is_no_text(self) -> None:
        """Reasoning comes as events of its own, and is in the message."""
        if not self.reasons:
            return
        for stream in _STREAMED:
            said = ModelAnswer(reasoning=("Keep", " it short."), text=("Tea",))
            pieces, events, message = self._answer(said, stream=stream)
            thoughts = [event.text for event in events if isinstance(event, ReasoningDelta)]
            _same("the events of reasoning", "".join(thoughts), "Keep it short.")
            _same("the reasoning", [each.text for each in message.reasoning], ["Keep it short."])
            _same("the text", ("".join(pieces), message.text), ("Tea", "Tea"))

    def test_halves_of_a_character_are_joined(self) -> None:
        """Servers cut surrogate pairs; a lone half would break whatever writes the message."""
        for stream in _STREAMED:
            _, _, message = self._answer(ModelAnswer(text=("a\ud83d", "\ude00b", "\ud83d", "c")), stream=stream)
            _same("the text", message.text, "a\N{GRINNING FACE}b\N{REPLACEMENT CHARACTER}c")
            _same("the message after a round trip", decode(encode(message), type(message)), message)

    def test_a_limit_of_tokens_is_told(self) -> None:
        """An answer that reached the limit is no error."""
        for stream in _STREAMED:
            _, _, message = self._answer(ModelAnswer(text=("Leaves",), finish="length"), stream=stream)
            _same("finish_reason", message.finish_reason, "length")

    def test_many_may_ask_at_once(self) -> None:
        """Answers that arrive at the same time do not mix."""

        async def main() -> None:
            said = [ModelAnswer(text=("one", " two")), ModelAnswer(text=("one", " two"))]
            async with self.serving(*said) as server, MiniAgents():
                agent = self._agent(server)
                texts = [str(await promise) for promise in [agent.inquire("A").only(), agent.inquire("B").only()]]
            _same("the texts", texts, ["one two", "one two"])

        _run(main())

    # --- tools ---

    def test_tools_are_called_until_the_answer_has_no_calls(self) -> None:
        """The model gets the results of all calls, and answers again."""
        calls = (_call("Kiel", "call_1"), _call("Rome", "call_2"))
        for stream in _STREAMED:
            replies, requests = self._replies(
                (ModelAnswer(text=("I look.",), calls=calls), ModelAnswer(text=("Sun everywhere.",))),
                stream=stream,
                tools=[_weather],
            )
            first = replies[0]
            asked = isinstance(first, AssistantMessage) and [
                (call.name, json.loads(call.arguments)) for call in first.tool_calls
            ]
            _same("the calls", asked, [("weather", {"city": "Kiel"}), ("weather", {"city": "Rome"})])
            _same("finish_reason", getattr(first, "finish_reason", None), "tool_calls")
            _same("the results", [str(each) for each in replies[1:-1]], ["Kiel: sun", "Rome: sun"])
            _same("the answer", str(replies[-1]), "Sun everywhere.")
            _tells("the first request", requests[0], "weather", "Tell the weather", "city")
            _tells("the second request", requests[1], "Kiel: sun", "Rome: sun")

    def test_a_wrong_call_is_told_to_the_model(self) -> None:
        """Models call tools that do not exist, and write JSON that is none: the conversation goes on with both."""
        calls = (
            ToolCall(id="call_1", name="wether", arguments='{"city": "Kiel"}'),
            ToolCall(id="call_2", name="weather", arguments='{"city": '),
        )
        for stream in _STREAMED:
            replies, requests = self._replies(
                (ModelAnswer(calls=calls), ModelAnswer(text=("Sorry.",))), stream=stream, tools=[_weather]
            )
            results = [each for each in replies if isinstance(each, ToolResultMessage)]
            _same("whether the results are errors", [each.is_error for each in results], [True, True])
            _same("the answer", str(replies[-1]), "Sorry.")
            _same("how many requests there were", len(requests), 2)

    def test_a_tool_of_the_caller_ends_the_reply(self) -> None:
        """A call of a tool that is only a definition is left to the caller."""
        definition = ToolDefinition(name="weather", parameters=_weather.parameters)
        for stream in _STREAMED:
            replies, _ = self._replies(
                (ModelAnswer(calls=(_call("Kiel", "call_1"),)),), stream=stream, tools=[definition]
            )
            _same("the number of replies", len(replies), 1)
            calls = replies[0].tool_calls if isinstance(replies[0], AssistantMessage) else ()
            _same("the calls", [call.name for call in calls], ["weather"])

    # --- structured replies ---

    def test_a_reply_has_the_type_that_was_asked_for(self) -> None:
        """The model is told the schema, and its JSON becomes a message of the class."""
        for stream in _STREAMED:
            replies, requests = self._replies(
                (ModelAnswer(text=('{"city": "Kiel",', ' "celsius": 21}')),), stream=stream, reply_type=_City
            )
            _same("the reply", replies, [_City(city="Kiel", celsius=21)])
            _tells("the request", requests[0], "celsius")

    def test_a_wrong_reply_is_an_error_with_its_path(self) -> None:
        """The error has the answer, and the path to the fault."""
        for stream in _STREAMED:
            error = self._error(
                ModelAnswer(text=('{"city": "Kiel", "celsius": "mild"}',)), stream=stream, reply_type=_City
            )
            _expect(isinstance(error, WrongReplyError), f"a wrong reply raises a WrongReplyError, not {error!r}")
            _same("its path", getattr(error, "path", None), "$.celsius")

    def test_a_wrong_reply_can_be_corrected(self) -> None:
        """With `repair_turns` the model is told what is wrong, and answers again."""
        said = (
            ModelAnswer(text=('{"city": "Kiel", "celsius": "mild"}',)),
            ModelAnswer(text=('{"city": "Kiel", "celsius": 21}',)),
        )
        for stream in _STREAMED:
            replies, requests = self._replies(said, stream=stream, reply_type=_City, repair_turns=1)
            _same("the reply", replies, [_City(city="Kiel", celsius=21)])
            _tells("the second request", requests[1], "mild", "$.celsius")

    # --- failures ---

    def test_a_status_is_an_error_of_its_own_class(self) -> None:
        """The error says what the server says; the library makes no second request."""
        for stream in _STREAMED:
            for status, cls in _STATUSES.items():
                error = self._error(ModelFailure(status=status, retry_after=1.5), stream=stream)
                _expect(isinstance(error, cls), f"status {status} raises a {cls.__name__}, not {error!r}")
                _same("its status", error.status, status)
                _same("retry_after", error.retry_after, 1.5)
                _same("partial", error.partial, None)
                _tells(f"the error for status {status}", str(error), "The server says no.", f"HTTP {status}")

    def test_no_error_has_the_key(self) -> None:
        """Servers repeat keys in errors, and trackers of errors record the variables of frames."""
        for stream in _STREAMED:
            error = self._error(ModelFailure(status=401, message=f"Your key {_KEY} is wrong."), stream=stream)
            _expect(_KEY not in f"{error} {vars(error)}", f"the error has the key: {error}")
            for where, variables in _frames(error.__traceback__):
                held = [name for name, value in variables.items() if _KEY in repr(value)]
                _expect(not held, f"a frame of {where} has the key in {', '.join(held)}")

    def test_a_stream_that_is_cut_off_is_an_error_with_what_had_arrived(self) -> None:
        """Its tokens can be read up to the cut, and the same request may succeed later."""

        async def main() -> None:
            async with self.serving(ModelAnswer(text=("one", " two"), ends="cut")) as server, MiniAgents():
                pieces: list[str] = []
                try:
                    async for piece in self._agent(server).inquire("Hi").only():
                        pieces.append(piece)  # noqa: PERF401  # it has those before the error
                except LanguageModelError as error:
                    is_transient = isinstance(error, TransientModelError)
                    _expect(is_transient, f"a cut raises a TransientModelError, not {error!r}")
                    _same("partial", error.partial and error.partial.text, "one two")
                else:
                    raise AssertionError("a stream that is cut off ends as if it were complete")
                _same("the tokens", pieces, ["one", " two"])

        _run(main())

    def test_a_filter_is_an_error_with_what_had_arrived(self) -> None:
        """What a filter stopped is no answer."""
        if not self.filters:
            return
        for stream in _STREAMED:
            error = self._error(ModelAnswer(text=("one",), finish="content_filter"), stream=stream)
            _expect(isinstance(error, ContentFilterError), f"a filter raises a ContentFilterError, not {error!r}")
            _same("partial", error.partial and error.partial.text, "one")

    def test_cancelling_closes_the_connection(self) -> None:
        """Tokens that nobody reads cost money."""

        async def main() -> None:
            async with self.serving(ModelAnswer(text=("one", " two"), ends="stalled")) as server, MiniAgents():
                promise = self._agent(server).inquire("Hi").only()
                async for _ in promise:
                    break
                promise.cancel()
                await server.until_closed()

        _run(main())

    # --- requests ---

    def test_a_conversation_of_any_origin_is_taken(self) -> None:
        """Messages of other providers, calls without results, results without calls, halves of characters."""
        history: list[Message] = [
            SystemMessage("Be brief."),
            Message("A note."),
            UserMessage("What is tea?"),
            AnthropicMessage("Hm.", reasoning=(Reasoning("secret", signature="signed"),)),
            OpenAIMessage("I look.", tool_calls=(_call("Kiel", "call/1 ü"), _call("Rome", "call_2"))),
            ToolResultMessage("Kiel: rain", tool_call_id="call/1 ü", tool_name="weather"),
            ToolResultMessage("Oslo: snow", tool_call_id="lost", tool_name="weather"),
            AssistantMessage(""),
            UserMessage(""),
        ]
        _, requests = self._replies((ModelAnswer(text=("Yes.",)),), stream=True, messages=history)
        _tells("the request", requests[0], "Be brief.", "A note.", "What is tea?", "Kiel: rain", "Oslo: snow", "Rome")

    def test_options_are_checked_where_they_are_given(self) -> None:
        """`system` and options of a call reach the model; a wrong name is refused at once."""

        async def main() -> None:
            async with self.serving(ModelAnswer(text=("Yes.",))) as server, MiniAgents():
                try:
                    self._agent(server, no_such_option=1)
                except TypeError as error:
                    _tells("the error", str(error), "no_such_option")
                else:
                    raise AssertionError("an option that does not exist is taken")
                await self._agent(server).inquire("Hi", system="Be brief.")
                _tells("the request", server.requests()[0], "Be brief.")

        _run(main())

    # --- machinery ---

    def _agent(self, server: ProviderServer, **given: Any) -> ModelAgent[Any]:  # Any: as `ProviderServer.agent`
        return server.agent(api_key=_KEY, **given)

    def _answer(self, said: _Said, *, stream: bool) -> tuple[list[str], list[object], AssistantMessage]:
        async def main() -> tuple[list[str], list[object], AssistantMessage]:
            async with self.serving(said) as server, MiniAgents():
                promise = self._agent(server, stream=stream).inquire("Hi").only()
                pieces = [piece async for piece in promise]
                return pieces, [event async for event in promise.events], await promise

        return _run(main())

    def _replies(
        self,
        said: tuple[_Said, ...],
        *,
        messages: Sequence[Message] = (UserMessage("Hi"),),
        **given: Any,  # Any: as `ProviderServer.agent`
    ) -> tuple[list[Message], Sequence[str]]:
        async def main() -> tuple[list[Message], Sequence[str]]:
            async with self.serving(*said) as server, MiniAgents():
                replies = await self._agent(server, **given).inquire(messages)
                return [*replies], list(server.requests())

        return _run(main())

    def _error(self, said: _Said, **given: Any) -> LanguageModelError:  # Any: as `ProviderServer.agent`
        async def main() -> LanguageModelError:
            async with self.serving(said) as server, MiniAgents():
                try:
                    await self._agent(server, **given).inquire("Hi")
                except LanguageModelError as error:
                    _same("how many requests there were", len(server.requests()), 1)
                    return error
                raise AssertionError(f"{said} raises no error")

        return _run(main())


# --- checks ---

_LONGEST: Final = 60.0


def _run(work: Coroutine[object, object, T]) -> T:
    async def limited() -> T:
        async with asyncio.timeout(_LONGEST):
            return await work

    return asyncio.run(limited())


def _call(city: str, call_id: str) -> ToolCall:
    return ToolCall(id=call_id, name="weather", arguments=json.dumps({"city": city}))


def _expect(holds: bool, otherwise: str) -> None:  # like `assert`
    if not holds:
        raise AssertionError(otherwise)


def _same(what: str, got: object, expected: object) -> None:
    _expect(got == expected, f"{what}: {got!r} instead of {expected!r}")


def _tells(what: str, text: str, *parts: str) -> None:
    for part in parts:
        _expect(part in text, f"{what} does not say {part!r}, but {text!r}")


def _frames(traceback: TracebackType | None) -> list[tuple[str, Mapping[str, object]]]:
    """Return the frames of an error, without those of this module, which has planted the key."""
    found: list[tuple[str, Mapping[str, object]]] = []
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code.co_filename != __file__:
            found.append((frame.f_code.co_qualname, dict(frame.f_locals)))
        traceback = traceback.tb_next
    return found

"""A language model that answers messages. Requests, streams, assembly and errors are the same for all providers."""

from __future__ import annotations

import asyncio
import functools
import json
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias

from typing_extensions import TypeVar

from miniagents.calls.rates import RateLimit
from miniagents.ext.llm._assembling import Assembler
from miniagents.ext.llm._clients import Closable
from miniagents.ext.llm._conversation import conversation_of
from miniagents.ext.llm._json import is_object, number_in
from miniagents.ext.llm._model_identity import host_of, server_of
from miniagents.ext.llm._options import LIBRARY_OPTIONS
from miniagents.ext.llm._preparing import warmed
from miniagents.ext.llm._protocol import AS_IT_CAME, ModelProtocol, ModelRequest
from miniagents.ext.llm._secrets import bare, concealing, revealed
from miniagents.ext.llm._translating import translated
from miniagents.ext.llm.errors import ContentFilterError, ModelConnectionError, ProtocolError, TruncatedError
from miniagents.histories import estimated_tokens
from miniagents.messages import AssistantMessage, CachePoint, MessagePromise, SystemMessage
from miniagents.miniagents import MiniAgents

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from miniagents.calls.rates import Admission
    from miniagents.ext.llm._clients import ClientOf
    from miniagents.ext.llm._events import StreamedEvent
    from miniagents.ext.llm._json import JsonObject
    from miniagents.ext.llm._protocol import Reader
    from miniagents.ext.llm._secrets import Hidden
    from miniagents.ext.llm.common import ReplySchema, ToolDefinition
    from miniagents.messages import Identity, Message

__all__ = ["AnyLanguageModel", "LanguageModel"]

C = TypeVar("C", bound=Closable)
M = TypeVar("M", bound=AssistantMessage)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LanguageModel(Generic[C, M]):
    """A model of a provider, with everything that is the same for all its requests.

    Attributes:
        name: The name of the model.
        protocol: The provider's protocol.
        client_of: Chooses the client for each context.
        options: Options of the provider, and those of `CommonOptions`.
        tools: The tools that the model may call; a mapping is a tool of the provider in its own format.
        reply_schema: The schema of the answers; None for any answer.
        address: The address of the server, without secrets; None for the provider's own.
    """

    name: str
    protocol: ModelProtocol[C, M]
    client_of: ClientOf[C]
    options: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)
    tools: tuple[ToolDefinition | JsonObject, ...] = ()
    reply_schema: ReplySchema | None = None
    address: str | None = None

    def with_options(self, options: Mapping[str, object]) -> LanguageModel[C, M]:
        """Return the same model with further options; they override those it has."""
        return replace(self, options={**self.options, **options}) if options else self

    def request(self, messages: Sequence[Message], server: str | None = None) -> ModelRequest:
        """Return the request that asks the model to answer messages.

        Args:
            messages: The messages.
            server: What names the server (`server_of`); None if it is not known.

        Raises:
            ValueError: The conversation is empty.
        """
        system = self.options.get("system")
        send_reasoning_as = self.options.get("send_reasoning_as", AS_IT_CAME)
        return ModelRequest(
            model=self.name,
            conversation=conversation_of(
                messages, self.protocol.rules, system=system if isinstance(system, str) else None
            ),
            options={name: value for name, value in self.options.items() if name not in LIBRARY_OPTIONS},
            tools=self.tools,
            reply_schema=self.reply_schema,
            stream=bool(self.options.get("stream", True)),
            send_reasoning_as=send_reasoning_as if isinstance(send_reasoning_as, str) else None,
            server=server,
            cache_system=self._cached("cache_system"),
            cache_tools=self._cached("cache_tools"),
            think_tags=bool(self.options.get("think_tags", self.reply_schema is not None)),
        )

    def answer(self, messages: Sequence[Message]) -> MessagePromise[M]:
        """Return the promise of the model's answer, streamed; cancelling it closes the connection.

        Its errors are `LanguageModelError`s, which carry whatever had arrived in `partial`.

        Raises:
            ValueError: The conversation is empty, or the provider's protocol cannot express a part of it.
            LanguageModelError: The SDK is not installed, or there is no key.
            NoActiveContextError: There is no active `MiniAgents`.
        """
        context = MiniAgents.current()
        if context.around is None:
            return self._requested(messages)
        from miniagents.ext.llm._model_callee import answer_around  # noqa: PLC0415 - a circle: it makes the request

        return answer_around(context.around, self, messages, start_asap=context.start_asap)

    async def count(self, messages: Sequence[Message]) -> int:
        """Return how many tokens the input of a request has: by the provider if it counts them, otherwise about.

        Raises:
            ValueError: The conversation is empty, or the provider's protocol cannot express a part of it.
            LanguageModelError: The provider does not count them, although its protocol does.
        """
        await warmed(self.protocol.modules)
        client = self.client_of(MiniAgents.current())
        body = self.protocol.body(self.request(messages, server_of(client)))
        conceal = concealing(client, body)
        problem: BaseException | None = None
        answer: object = None
        try:
            answer = await self.protocol.counted(client.reveal(), revealed(body))
            counted = number_in(answer, "input_tokens") if is_object(answer) else 0
            if counted > 0:
                return counted
            if answer is not None:
                problem = ProtocolError(f"the answer has no number of tokens: {conceal(repr(answer)):.100}")
        except BaseException as error:  # noqa: BLE001 - the SDKs raise many errors; `_problem` translates them
            problem = self._problem(Assembler(self.protocol.message), error, conceal, client)
        if problem is None or getattr(problem, "status", None) in _NO_SUCH_ENDPOINT:
            return self._estimated(messages)
        answer = None  # it may repeat the key
        try:
            raise problem
        finally:
            del problem  # its traceback holds this frame

    @property
    def identity(self) -> Identity:
        """What the model is, as a value: provider, address, name, options, schemas, and the translation's version."""
        from miniagents.ext.llm._model_identity import identity_of_model  # noqa: PLC0415  # many programs do not ask

        return identity_of_model(self)

    # --- machinery ---

    def _requested(self, messages: Sequence[Message]) -> MessagePromise[M]:
        """Make a request, with nothing around it."""
        client = self.client_of(MiniAgents.current())
        server = server_of(client)
        request = self.request(messages, server)
        body = self.protocol.body(request)
        admit = self._admitted(messages)
        assembler = Assembler(functools.partial(self.protocol.message, server=server))
        conceal = concealing(client, body)

        def chunks() -> AsyncGenerator[object, None]:
            return self.protocol.chunks(client.reveal(), revealed(body), stream=request.stream)

        async def whole(pieces: AsyncIterable[str]) -> M:
            async for _ in pieces:
                pass
            return assembler.message()

        return MessagePromise(
            lambda: self._streamed(
                chunks, self.protocol.reader(request), assembler, conceal, admit, client, stream=request.stream
            ),
            whole,
            message_class=self.protocol.message_class,
            known={"role": "assistant"},
            name=self.name,
        )

    async def _streamed(
        self,
        chunks: Callable[[], AsyncGenerator[object, None]],
        reader: Any,  # Any: None in the end, like the others
        assembler: Assembler[M],
        conceal: Callable[[str], str],
        admit: Callable[[], Awaitable[Admission]] | None,
        client: Hidden[C],
        *,
        stream: bool,
    ) -> AsyncIterator[StreamedEvent]:
        admission: Admission | None = None
        chunk: object = None
        event: Any = None  # Any: an event of the reader
        piece: StreamedEvent | None = None
        is_first = True
        problem: BaseException | None
        try:
            if admit is not None:
                admission = await admit()
            async with aclosing(chunks()) as answered:
                async for chunk in answered:
                    for event in self._read(reader, chunk, stream=stream):
                        piece = assembler.feed(event)
                        if piece is not None:
                            yield piece
                            if is_first:
                                # let readers see the first piece before the rest of its block is read: it saves 0.6 ms
                                is_first = False
                                await asyncio.sleep(0)
        except BaseException as error:  # noqa: BLE001 - the SDKs raise many errors; `_problem` translates them
            problem = self._problem(assembler, error, conceal, client)
        else:
            problem = self._problem(assembler, None, conceal, client)
        if admission is not None and (usage := assembler.message().usage) is not None:
            admission.spent(usage.input_tokens + usage.output_tokens)
        if problem is not None:
            # outside of the `except`, and without what the server sent: it may repeat the key
            reader = chunk = event = piece = None
            try:
                raise problem
            finally:
                del problem  # its traceback holds this frame

    def _admitted(self, messages: Sequence[Message]) -> Callable[[], Awaitable[Admission]] | None:
        """Return what waits until a limit of the rate lets a request in; None if there is no limit."""
        limit = self.options.get("rate_limit")
        if not isinstance(limit, RateLimit):
            return None
        answer = [self.options.get(name) for name in ("max_tokens", "max_completion_tokens", "max_output_tokens")]
        most = max((tokens for tokens in answer if isinstance(tokens, int)), default=0)
        return lambda: limit.admit(self._estimated(messages) + most)

    def _cached(self, name: str) -> CachePoint | None:
        point = self.options.get(name)
        return point if isinstance(point, CachePoint) else None

    def _estimated(self, messages: Sequence[Message]) -> int:
        """Return about how many tokens the input of a request has."""
        system, tools = (
            self.options.get("system"),
            [asdict(tool) if is_dataclass(tool) else tool for tool in self.tools],
        )
        beside = [str(system)] if system else []
        beside += [json.dumps(tool, default=str, ensure_ascii=False) for tool in tools]
        return estimated_tokens(*messages, *map(SystemMessage, beside))

    def _read(self, reader: Reader, chunk: object, *, stream: bool) -> Any:  # Any: an iterator of events
        if not is_object(chunk):
            raise ProtocolError(f"the answer is not what the protocol says: no object, but {chunk!r:.100}")
        return reader.read(chunk) if stream else reader.read_whole(chunk)

    def _problem(
        self, assembler: Assembler[M], failed: BaseException | None, conceal: Callable[[str], str], client: Hidden[C]
    ) -> BaseException | None:
        """Return the error to raise at the end of an answer; None if the answer is complete.

        It has no traceback and is chained to nothing: the frames of the SDK, its errors and its requests hold the key.
        """
        if failed is not None and not isinstance(failed, Exception):
            return bare(failed)  # a cancellation
        partial = assembler.message() if assembler.has_anything else None
        if failed is None and not assembler.is_finished:
            failed = TruncatedError("the stream ended before the answer did")
        if failed is None and partial is not None and partial.finish_reason == "content_filter":
            failed = ContentFilterError("a filter of the provider stopped the answer")
        if failed is None:
            return None
        error = translated(
            failed,
            provider=self.protocol.provider,
            model=self.name,
            conceal=conceal,
            partial=partial,
            host=host_of(client),
        )
        if isinstance(error, ModelConnectionError) and assembler.is_finished:
            return None  # the answer is complete; only closing the stream failed
        return error


_NO_SUCH_ENDPOINT: Final = (404, 405, 501)
"""What servers that speak a protocol answer to the requests of it that they do not know."""

AnyLanguageModel: TypeAlias = LanguageModel[Any, Any]  # Any: the client of any SDK, and the answers of any provider
"""A model of any provider."""

"""Spans and metrics, seen by the SDK's exporters that keep them in memory."""

import asyncio
import gc
import json
import subprocess
import sys
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from typing import Any, Final

import pytest
from opentelemetry import trace as otel
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanContext, SpanKind, StatusCode

from miniagents import (
    AssistantMessage,
    Call,
    CallHandler,
    InteractionContext,
    Message,
    MessagePromise,
    MessageType,
    MiniAgents,
    OpenAIMessage,
    Proceed,
    ToolCall,
    Usage,
    UserMessage,
    miniagent,
    race,
    stream_message,
    tool,
)
from miniagents.ext.otel import spans
from miniagents.ext.otel._spoken import spoken
from miniagents.messages import ImagePart, Reasoning, TextPart
from tests.calls.handlers import HANDLERS
from tests.ext.llm import agents
from tests.ext.llm.agents import each_path, streamed_or_not
from tests.ext.llm.answers import answer, tool_call
from tests.ext.llm.clients import KEY, openai_client
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES, Saying, http_error

VARIABLE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
SURROGATE: Final = "\ud800"
LIMIT: Final[Mapping[str, Mapping[str, int]]] = {
    CHAT: {"max_completion_tokens": 99},
    RESPONSES: {"max_output_tokens": 99},
    MESSAGES: {"max_tokens": 99},
}


class Telemetry:
    """Providers that keep all in memory."""

    def __init__(self, **options: Any) -> None:  # any options of the provider
        self.exporter: Final = InMemorySpanExporter()
        self.traces: Final = TracerProvider(**options)
        self.traces.add_span_processor(SimpleSpanProcessor(self.exporter))
        self._reader: Final = InMemoryMetricReader()
        self.meters: Final = MeterProvider([self._reader])

    def handler(self) -> CallHandler:
        return spans(tracer_provider=self.traces, meter_provider=self.meters)

    @property
    def spans(self) -> list[ReadableSpan]:
        """The finished spans, in the order in which they began."""
        return sorted(self.exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    def one(self, name: str) -> ReadableSpan:
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def parent_of(self, span: ReadableSpan) -> str | None:
        parent = span.parent
        return (
            None
            if parent is None
            else next(each.name for each in self.spans if context_of(each).span_id == parent.span_id)
        )

    def points(self) -> dict[str, list[Any]]:
        """The points of the histograms, by the names of the metrics."""
        reader: Any = self._reader  # Any: the SDK says too little of what it returns
        data = reader.get_metrics_data()
        if data is None:
            return {}
        metrics = [
            metric for resource in data.resource_metrics for scope in resource.scope_metrics for metric in scope.metrics
        ]
        return {metric.name: list(metric.data.data_points) for metric in metrics}


def context_of(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


def attributes(span: ReadableSpan) -> Mapping[str, Any]:  # Any: attributes are of several types
    return span.attributes or {}


@pytest.fixture
def telemetry(monkeypatch: pytest.MonkeyPatch) -> Telemetry:
    monkeypatch.delenv(VARIABLE, raising=False)
    return Telemetry()


class Verdict(Message, frozen=True, kw_only=True):
    """A reply with a field."""

    good: bool


@tool
async def weather(city: str) -> str:
    """Say the weather at a place."""
    return f"sun in {city}"


@miniagent(version="3")
async def leaf(ctx: InteractionContext, name: str, seconds: float = 0) -> None:
    """Say a name after a while."""
    await asyncio.sleep(seconds)
    ctx.reply(name)


# --- parents ---


@pytest.mark.virtual_clock
@pytest.mark.parametrize("start_asap", [True, False])
@pytest.mark.parametrize("handlers", HANDLERS, ids=range(len(HANDLERS)))
@pytest.mark.parametrize("is_first", [True, False])
async def test_parents_are_right_in_parallel_out_of_order_and_lazily(
    telemetry: Telemetry, handlers: tuple[CallHandler, ...], *, start_asap: bool, is_first: bool
) -> None:
    """Whatever stands around the calls as well, and in whatever order the replies are read."""

    @miniagent
    async def branch(ctx: InteractionContext, name: str) -> None:
        calls = [leaf.inquire(name=f"{name}{place}", seconds=3 - place) for place in range(3)]
        await asyncio.sleep(1)
        ctx.reply_out_of_order(calls)

    @miniagent
    async def root(ctx: InteractionContext) -> None:
        ctx.reply([branch.options(alias=f"branch{name}").inquire(name=name) for name in "ABC"])

    around = (telemetry.handler(), *handlers) if is_first else (*handlers, telemetry.handler())
    async with MiniAgents(around_calls=around, start_asap=start_asap):
        replies = root.inquire()
        later = leaf.inquire(name="alone")
        assert {str(reply) for reply in await replies} == {f"{name}{place}" for name in "ABC" for place in range(3)}
        await later
    found = [(span.name, telemetry.parent_of(span)) for span in telemetry.spans]
    expected: list[tuple[str, str | None]] = [("invoke_agent root", None), ("invoke_agent leaf", None)]
    expected += [(f"invoke_agent branch{name}", "invoke_agent root") for name in "ABC"]
    expected += [("invoke_agent leaf", f"invoke_agent branch{name}") for name in "ABC" for _ in range(3)]
    assert sorted(found, key=str) == sorted(expected, key=str)
    trees = {context_of(span).trace_id for span in telemetry.spans}
    assert len(trees) == 2


async def test_spans_of_the_program_are_parents_and_children(telemetry: Telemetry) -> None:
    tracer = telemetry.traces.get_tracer("program")

    @miniagent
    async def working(ctx: InteractionContext) -> None:
        with tracer.start_as_current_span("inner"):
            ctx.reply(leaf.inquire(name="x"))
        with tracer.start_as_current_span("behind"):
            pass

    async with MiniAgents(around_calls=telemetry.handler()):
        with tracer.start_as_current_span("outer"):
            replies = working.inquire()
        await replies
        assert not otel.get_current_span().is_recording()
    parents = {span.name: telemetry.parent_of(span) for span in telemetry.spans}
    assert parents == {
        "outer": None,
        "invoke_agent working": "outer",
        "inner": "invoke_agent working",
        "behind": "invoke_agent working",
        "invoke_agent leaf": "inner",
    }


async def test_a_call_that_is_made_several_times_has_one_span(telemetry: Telemetry) -> None:
    tries: list[str] = []

    @miniagent
    async def shaky(ctx: InteractionContext) -> None:
        tries.append("x")
        if len(tries) < 3:
            raise ConnectionError
        ctx.reply("at last")

    async def retried(_: Call, proceed: Proceed) -> MessageType[Message]:
        for _attempt in range(2):
            try:
                return await proceed()
            except ConnectionError:
                pass
        return proceed()

    async with MiniAgents(around_calls=[retried, telemetry.handler()]):
        await shaky.inquire()
    assert [(span.name, span.status.status_code) for span in telemetry.spans] == [
        ("invoke_agent shaky", StatusCode.UNSET)
    ]


# --- what spans say ---


@each_path
@streamed_or_not
async def test_a_model_with_a_tool(telemetry: Telemetry, path: str, *, stream: bool) -> None:
    calling = Saying(answer(tool_calls=[tool_call("weather", {"city": "Kiel"})]))
    async with (
        ModelServer(calling, Saying(answer("Sunny."))) as server,
        MiniAgents(around_calls=telemetry.handler()),
    ):
        agent: Any = agents.agent_for(
            path, server, tools=[weather], alias="forecaster", stream=stream, system="Be short.", **LIMIT[path]
        )
        replies = await agent.inquire("Hi")
    model = agent.identity.name
    forecaster, first, of_tool, second = telemetry.spans
    names = [span.name for span in telemetry.spans]
    assert names == ["invoke_agent forecaster", f"chat {model}", "execute_tool weather", f"chat {model}"]
    assert [telemetry.parent_of(span) for span in (first, of_tool, second)] == [forecaster.name] * 3
    assert [span.kind for span in telemetry.spans] == [
        SpanKind.INTERNAL,
        SpanKind.CLIENT,
        SpanKind.INTERNAL,
        SpanKind.CLIENT,
    ]
    assert all(span.status.status_code is StatusCode.UNSET for span in telemetry.spans)
    facts = attributes(first)
    assert facts["gen_ai.operation.name"] == "chat"
    assert facts["gen_ai.provider.name"] == ("anthropic" if model.startswith("claude") else "openai")
    assert (facts["gen_ai.request.model"], facts["gen_ai.request.max_tokens"]) == (model, 99)
    assert facts["gen_ai.request.stream"] is stream
    assert facts["gen_ai.response.finish_reasons"] == ("tool_calls",)
    usage = replies[0].usage
    assert usage is not None
    assert (facts["gen_ai.usage.input_tokens"], facts["gen_ai.usage.output_tokens"]) == (
        usage.input_tokens,
        usage.output_tokens,
    )
    assert ("gen_ai.response.time_to_first_chunk" in facts) == stream
    assert facts["gen_ai.response.id"] == replies[0].response_id
    assert facts["gen_ai.response.model"] == replies[0].model
    facts = attributes(of_tool)
    assert {name: value for name, value in facts.items() if name.startswith("gen_ai.")} == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "weather",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.description": "Say the weather at a place.",
        "gen_ai.tool.call.id": replies[0].tool_calls[0].id,
    }
    facts = attributes(forecaster)
    assert facts["gen_ai.agent.name"] == "forecaster"
    assert facts["gen_ai.usage.input_tokens"] == 2 * usage.input_tokens
    everything = [span.to_json() for span in telemetry.spans]
    assert not [text for text in everything for said in (KEY, "Hi", "Kiel", "Sunny", "Be short") if said in text]
    points = telemetry.points()
    duration = [dict(point.attributes)["gen_ai.operation.name"] for point in points["gen_ai.client.operation.duration"]]
    assert sorted(duration) == ["chat", "execute_tool", "invoke_agent"]
    tokens = {
        dict(point.attributes)["gen_ai.token.type"]: (point.sum, point.count)
        for point in points["gen_ai.client.token.usage"]
    }
    assert tokens == {"input": (2 * usage.input_tokens, 2), "output": (2 * usage.output_tokens, 2)}
    chunks = points.get("gen_ai.client.operation.time_to_first_chunk", [])
    assert [point.count for point in chunks] == ([2] if stream else [])


async def test_the_address_of_a_server_and_other_options(telemetry: Telemetry) -> None:
    async with (
        ModelServer(Saying(answer('{"good":true}'))) as server,
        openai_client(server) as client,
        MiniAgents(around_calls=telemetry.handler()),
    ):
        options: Any = {"temperature": 0.5, "seed": 7, "stop": ["END", "."]}
        await agents.agent_for(CHAT, server, client=client, reply_type=Verdict, **options).inquire("Hi")
    facts = attributes(telemetry.spans[1])
    assert (facts["server.address"], facts["server.port"]) == ("127.0.0.1", int(server.url.rpartition(":")[2]))
    assert (facts["gen_ai.request.temperature"], facts["gen_ai.request.seed"]) == (0.5, 7)
    assert facts["gen_ai.request.stop_sequences"] == ("END", ".")
    assert facts["gen_ai.output.type"] == "json"


@pytest.mark.parametrize("asked", ["true", "SPAN_ONLY", "span_and_event"])
async def test_contents_are_there_if_the_variable_asks_for_them(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setenv(VARIABLE, asked)
    telemetry = Telemetry()
    calling = Saying(answer(tool_calls=[tool_call("weather", {"city": "Kiel"})]))
    async with (
        ModelServer(calling, Saying(answer("Sunny."))) as server,
        MiniAgents(around_calls=telemetry.handler()),
    ):
        agent: Any = agents.agent_for(CHAT, server, tools=[weather], system="Be short.")
        await agent.inquire("Hi")
    _, first, of_tool, second = map(attributes, telemetry.spans)
    assert json.loads(first["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "Hi"}]}
    ]
    assert json.loads(first["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be short."}]
    asking = {"type": "tool_call", "id": "call_1", "name": "weather", "arguments": '{"city": "Kiel"}'}
    (said,) = json.loads(first["gen_ai.output.messages"])
    said["parts"][0]["arguments"] = json.dumps(json.loads(said["parts"][0]["arguments"]))
    assert said == {"role": "assistant", "parts": [asking], "finish_reason": "tool_calls"}
    assert json.loads(of_tool["gen_ai.tool.call.arguments"]) == {"city": "Kiel"}
    assert of_tool["gen_ai.tool.call.result"] == "sun in Kiel"
    assert json.loads(second["gen_ai.input.messages"])[-1] == {
        "role": "tool",
        "parts": [{"type": "tool_call_response", "id": "call_1", "response": "sun in Kiel"}],
    }
    assert KEY not in "".join(span.to_json() for span in telemetry.spans)


@pytest.mark.parametrize("asked", ["", "false", "NO_CONTENT", "EVENT_ONLY", "nonsense"])
async def test_contents_are_not_there_otherwise(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setenv(VARIABLE, asked)
    telemetry = Telemetry()
    async with MiniAgents(around_calls=telemetry.handler()):
        await leaf.inquire("hush", name="confidential")
    text = telemetry.spans[0].to_json()
    assert "hush" not in text
    assert "confidential" not in text


def test_how_messages_are_written() -> None:
    messages = [
        Message("plain"),
        UserMessage("look", content=(TextPart("here"), ImagePart(data="aGk="))),
        AssistantMessage(reasoning=(Reasoning("hm"),), tool_calls=(ToolCall(id="1", name="f"),)),
    ]
    assert json.loads(spoken(messages, "user")) == [
        {"role": "user", "parts": [{"type": "text", "content": "plain"}]},
        {
            "role": "user",
            "parts": [
                {"type": "text", "content": "look"},
                {"type": "text", "content": "here"},
                {"type": "image"},
            ],
        },
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "hm"},
                {"type": "tool_call", "id": "1", "name": "f", "arguments": "{}"},
            ],
            "finish_reason": "stop",
        },
    ]


async def test_text_that_no_exporter_could_encode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "SPAN_ONLY")
    telemetry = Telemetry()

    @miniagent(alias=f"a{SURROGATE}", description=SURROGATE, version=SURROGATE)
    async def strange(ctx: InteractionContext) -> None:
        raise ValueError(SURROGATE)

    async with MiniAgents(around_calls=telemetry.handler()):
        with pytest.raises(ValueError, match=SURROGATE):
            await strange.inquire()
    (span,) = telemetry.spans
    for text in (span.name, span.status.description, *attributes(span).values()):
        str(text).encode()


# --- ends ---


async def test_errors_have_their_type_and_text(telemetry: Telemetry) -> None:
    class OwnError(Exception):
        pass

    @miniagent
    async def failing(ctx: InteractionContext) -> None:
        ctx.reply("first")
        raise OwnError("no good")

    @miniagent
    async def calling(ctx: InteractionContext) -> None:
        with pytest.raises(OwnError):
            await failing.inquire()
        ctx.reply("caught")

    async with MiniAgents(around_calls=telemetry.handler()):
        await calling.inquire()
    span = telemetry.one("invoke_agent failing")
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "no good")
    assert attributes(span)["error.type"] == f"{OwnError.__module__}.{OwnError.__qualname__}"
    assert telemetry.one("invoke_agent calling").status.status_code is StatusCode.UNSET
    types = [point.attributes.get("error.type") for point in telemetry.points()["gen_ai.client.operation.duration"]]
    assert sorted(types, key=str) == [None, attributes(span)["error.type"]]


@each_path
async def test_an_error_of_a_model(telemetry: Telemetry, path: str) -> None:
    async with (
        ModelServer(http_error(500, message="broken")) as server,
        MiniAgents(around_calls=telemetry.handler()),
    ):
        agent: Any = agents.agent_for(path, server)
        await agent.inquire("Hi").recover(str)
    of_agent, of_model = telemetry.spans
    assert of_model.status.status_code is of_agent.status.status_code is StatusCode.ERROR
    assert attributes(of_model)["error.type"].startswith("miniagents.ext.llm.errors.")
    assert "gen_ai.client.token.usage" not in telemetry.points()


async def test_an_error_that_a_tool_told_a_model(telemetry: Telemetry, logged: list[str]) -> None:
    @tool
    async def broken() -> str:
        """Raise an error."""
        raise ValueError("with a confidential text")

    async with MiniAgents(around_calls=telemetry.handler()):
        await broken.answer(ToolCall(id="1", name="broken"))
    (span,) = telemetry.spans
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert attributes(span)["error.type"] == "tool_error"
    assert len(logged) == 1


@pytest.mark.virtual_clock
async def test_cancelled_calls(telemetry: Telemetry) -> None:
    async with MiniAgents(around_calls=telemetry.handler()):
        replies = leaf.inquire(name="x", seconds=10)
        await asyncio.sleep(1)
        replies.cancel()
        leaf.inquire(name="never begun").cancel()
        await race(leaf.inquire(name="slow", seconds=5), leaf.inquire(name="fast", seconds=1))
    assert len(telemetry.spans) == 3
    cancelled = [span for span in telemetry.spans if span.status.status_code is StatusCode.ERROR]
    assert [attributes(span)["error.type"] for span in cancelled] == [
        "miniagents.promising.errors.PromiseCancelledError"
    ] * 2


@pytest.mark.virtual_clock
async def test_times_are_those_of_the_call(telemetry: Telemetry) -> None:
    @miniagent
    async def streaming(ctx: InteractionContext) -> None:
        async def tokens() -> AsyncIterator[str]:
            for token in "abc":
                await asyncio.sleep(2)
                yield token

        ctx.reply(stream_message(Message, tokens()))

    async with MiniAgents(around_calls=telemetry.handler()):
        await streaming.inquire()
    assert attributes(telemetry.spans[0])["gen_ai.response.time_to_first_chunk"] == pytest.approx(2)
    (point,) = telemetry.points()["gen_ai.client.operation.duration"]
    assert point.sum == pytest.approx(6)


async def test_replayed_calls_are_marked_and_not_metered(telemetry: Telemetry) -> None:
    async def replaying(call: Call, proceed: Proceed) -> MessageType[Message]:
        if call.kind != "model":
            return proceed()
        call.mark_replayed()
        return OpenAIMessage("kept", usage=Usage(input_tokens=5, output_tokens=6))

    async with ModelServer() as server, MiniAgents(around_calls=[telemetry.handler(), replaying]):
        agent: Any = agents.agent_for(CHAT, server)
        assert str(await agent.inquire("Hi").only()) == "kept"
    of_agent, of_model = telemetry.spans
    assert attributes(of_model)["miniagents.replayed"] is True
    assert "miniagents.replayed" not in attributes(of_agent)
    assert not [name for span in telemetry.spans for name in attributes(span) if "usage" in name]
    points = telemetry.points()
    assert points.keys() == {"gen_ai.client.operation.duration"}
    assert [point.attributes["gen_ai.operation.name"] for point in points["gen_ai.client.operation.duration"]] == [
        "invoke_agent"
    ]


async def test_a_span_ends_although_nobody_reads_the_replies(telemetry: Telemetry) -> None:
    async def never_read() -> AsyncIterator[str]:
        yield "x"

    async def whole(_: AsyncIterable[str]) -> Message:
        return Message("x")

    @miniagent
    async def lazy(ctx: InteractionContext) -> None:
        ctx.reply(["read", MessagePromise(never_read, whole, start_asap=False)])

    async with MiniAgents(around_calls=telemetry.handler()):
        await anext(aiter(lazy.inquire()))
    gc.collect()
    assert [span.name for span in telemetry.spans] == ["invoke_agent lazy"]


# --- around it ---


async def test_nothing_is_seen_if_nothing_is_sampled() -> None:
    telemetry = Telemetry(sampler=ALWAYS_OFF)
    async with MiniAgents(around_calls=telemetry.handler()):
        await leaf.inquire(name="x")
    assert telemetry.spans == []
    assert len(telemetry.points()["gen_ai.client.operation.duration"]) == 1


async def test_without_an_sdk_all_works() -> None:
    async with MiniAgents(around_calls=spans()):
        assert str(await leaf.inquire(name="x").only()) == "x"


def test_mistakes_are_told() -> None:
    exporter: Any = InMemorySpanExporter()  # Any: it is none of the types
    with pytest.raises(TypeError, match=r"spans: tracer_provider: <.*Exporter.* is no TracerProvider"):
        spans(tracer_provider=exporter)
    with pytest.raises(TypeError, match=r"spans: meter_provider: <.*TracerProvider.* is no MeterProvider"):
        spans(meter_provider=TracerProvider())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    not_called: Any = spans  # Any: as above
    with pytest.raises(
        TypeError, match=r"around_calls: spans is not async; .* or `spans\(\)` if that makes a function"
    ):
        MiniAgents(around_calls=[not_called])


def test_the_error_without_the_package() -> None:
    program = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from miniagents.ext.otel import spans\n"
        "try: spans()\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, encoding="utf-8")
    assert run.stdout == "spans() needs the package 'opentelemetry-api': pip install 'miniagents[otel]'\n"

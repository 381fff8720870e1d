"""Spans and metrics that leave the process: the SDK's exporter, the protocol, and a collector, all of them real."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from miniagents import AssistantMessage, InteractionContext, MiniAgents, __version__, miniagent, tool
from miniagents.calls import CallHandler
from miniagents.ext.otel import spans
from miniagents.ext.otel._conventions import SCHEMA_URL
from tests.ext.llm import agents
from tests.ext.llm.answers import answer, tool_call
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.replies import CHAT, Saying
from tests.ext.otel.receiving import Receiver, attributes, collecting, collector_program, receiving

VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
HOSTILE = "\ud800 \x00 \U0010ffff </script> \u202e"
CLEAN = HOSTILE.replace("\ud800", "?")


@pytest.fixture(params=["server", "collector"])
def receiver(request: pytest.FixtureRequest) -> Iterator[tuple[Receiver, str]]:
    """What receives in the end, and the URL to which spans are sent: its own, or that of a collector before it."""
    with receiving() as receiver:
        if request.param == "server":
            yield receiver, receiver.url
            return
        program = collector_program()
        if program is None:
            pytest.skip("there is no collector here; `scripts/setup_collector` installs one where there is a package")
        with collecting(program, receiver) as url:
            yield receiver, url


class Exporting:
    """Providers of the SDK that export to a URL, as those of a program do."""

    def __init__(self, url: str) -> None:
        self._traces = TracerProvider()
        self._traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces")))
        # what was not exported until the end is exported then
        self._meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter(f"{url}/v1/metrics"))])

    def handler(self) -> CallHandler:
        return spans(tracer_provider=self._traces, meter_provider=self._meters)

    async def end(self) -> None:
        await asyncio.to_thread(self._traces.shutdown)
        await asyncio.to_thread(self._meters.shutdown)


@tool
async def weather(city: str) -> str:
    """Say the weather at a place."""
    return f"sun in {city}"


async def test_a_run_arrives_as_it_was(receiver: tuple[Receiver, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, parents, kinds, types of values, and the histograms with their sums."""
    monkeypatch.setenv(VARIABLE, "SPAN_ONLY")
    received, url = receiver
    exporting = Exporting(url)
    calling = Saying(answer(tool_calls=[tool_call("weather", {"city": "Kiel"})]))
    async with ModelServer(calling, Saying(answer(f"Sunny. {CLEAN}"))) as server:
        agent: Any = agents.agent_for(CHAT, server, tools=[weather], alias="forecaster", max_completion_tokens=99)
        async with MiniAgents(around_calls=exporting.handler()):
            answers = await agent.inquire("Hi")
    await exporting.end()
    received.wait_for(lambda: len(received.spans) == 4 and len(received.metrics) == 3)

    assert [(span.name, span.kind) for span in received.spans] == [
        ("invoke_agent forecaster", Span.SPAN_KIND_INTERNAL),
        ("chat gpt-test", Span.SPAN_KIND_CLIENT),
        ("execute_tool weather", Span.SPAN_KIND_INTERNAL),
        ("chat gpt-test", Span.SPAN_KIND_CLIENT),
    ]
    forecaster, first, of_tool, second = received.spans
    assert forecaster.parent_span_id == b""
    assert {span.parent_span_id for span in (first, of_tool, second)} == {forecaster.span_id}
    assert {span.trace_id for span in received.spans} == {forecaster.trace_id}
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in received.spans)
    facts = attributes(first)
    assert facts["gen_ai.request.max_tokens"] == 99
    assert facts["gen_ai.request.stream"] is True
    assert facts["gen_ai.response.finish_reasons"] == ["tool_calls"]
    assert isinstance(facts["gen_ai.response.time_to_first_chunk"], float)
    assert attributes(of_tool)["gen_ai.tool.call.result"] == "sun in Kiel"
    (said,) = json.loads(str(attributes(second)["gen_ai.output.messages"]))
    assert said["parts"] == [{"type": "text", "content": f"Sunny. {CLEAN}"}]
    usages = [each.usage for each in answers if isinstance(each, AssistantMessage) and each.usage is not None]
    assert attributes(forecaster)["gen_ai.usage.input_tokens"] == sum(usage.input_tokens for usage in usages)
    for scope in received.scopes_of_spans:
        assert (scope.scope.name, scope.scope.version) == ("miniagents", __version__)
        assert scope.schema_url == SCHEMA_URL

    durations = received.metrics["gen_ai.client.operation.duration"]
    assert durations.unit == "s"
    assert sum(point.count for point in durations.histogram.data_points) == 4
    tokens = received.metrics["gen_ai.client.token.usage"].histogram.data_points
    kinds = {
        next(each.value.string_value for each in point.attributes if each.key == "gen_ai.token.type"): point
        for point in tokens
    }
    assert kinds["input"].sum == sum(usage.input_tokens for usage in usages)
    assert kinds["output"].sum == sum(usage.output_tokens for usage in usages)
    assert list(kinds["input"].explicit_bounds) == [4**power for power in range(14)]
    assert received.metrics["gen_ai.client.operation.time_to_first_chunk"].histogram.data_points[0].count == 2


async def test_errors_and_hostile_texts_arrive(receiver: tuple[Receiver, str]) -> None:
    """Protobuf refuses a lone surrogate: one text of a user must not lose the batch in which it is."""
    received, url = receiver
    exporting = Exporting(url)

    @miniagent
    async def failing(ctx: InteractionContext) -> None:
        """Fail."""
        raise ValueError(HOSTILE)

    @miniagent
    async def fine(ctx: InteractionContext) -> None:
        ctx.reply("well")

    async with MiniAgents(around_calls=exporting.handler()):
        with pytest.raises(ValueError, match="script"):
            await failing.options(alias=HOSTILE).inquire()
        await fine.inquire()
    await exporting.end()
    received.wait_for(lambda: len(received.spans) == 2)
    failed, well = received.spans
    assert failed.name == f"invoke_agent {CLEAN}"
    assert (failed.status.code, failed.status.message) == (Status.STATUS_CODE_ERROR, CLEAN)
    assert attributes(failed)["error.type"] == "ValueError"
    assert (well.name, well.status.code) == ("invoke_agent fine", Status.STATUS_CODE_UNSET)


async def test_parents_are_right_across_many_parallel_agents(receiver: tuple[Receiver, str]) -> None:
    received, url = receiver
    exporting = Exporting(url)

    @miniagent
    async def leaf(ctx: InteractionContext, name: str) -> None:
        await asyncio.sleep(0)
        ctx.reply(name)

    @miniagent
    async def branch(ctx: InteractionContext, name: str) -> None:
        await asyncio.sleep(0)
        ctx.reply([leaf.options(alias=f"leaf {name}").inquire(name=str(place)) for place in range(20)])

    async with MiniAgents(around_calls=exporting.handler()):
        started = [branch.options(alias=f"branch {number}").inquire(name=str(number)) for number in range(20)]
        for replies in started:
            await replies
    await exporting.end()
    received.wait_for(lambda: len(received.spans) == 420)
    named = {span.span_id: span.name for span in received.spans}
    assert len(named) == 420
    children = [span for span in received.spans if span.parent_span_id]
    assert len(children) == 400
    for span in children:
        assert named[span.parent_span_id] == span.name.replace("leaf", "branch")
    assert len({span.trace_id for span in received.spans}) == 20

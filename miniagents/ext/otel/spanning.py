"""A handler that makes a span of each call, by OpenTelemetry's conventions for generative AI."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary, finalize

from miniagents import __version__
from miniagents.agents.agent import MiniAgent
from miniagents.ext.otel import _conventions as names
from miniagents.ext.otel._spoken import captures_contents, clean, spoken, text_part
from miniagents.messages import AssistantMessage, ToolResultMessage, Usage
from miniagents.promising.core.arguments import check_kind
from miniagents.tools import Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.metrics import Meter, MeterProvider
    from opentelemetry.trace import Span, Tracer, TracerProvider
    from opentelemetry.util.types import AttributeValue

    from miniagents.calls import Call, CallHandler, CallKind, Proceed, Run
    from miniagents.messages import JsonValue, Message, MessageType

__all__ = ["spans"]

_OPERATIONS: Final[Mapping[CallKind, str]] = {"agent": "invoke_agent", "tool": "execute_tool", "model": "chat"}

_OPTIONS: Final = {
    "frequency_penalty": names.GEN_AI_REQUEST_FREQUENCY_PENALTY,
    "max_completion_tokens": names.GEN_AI_REQUEST_MAX_TOKENS,
    "max_output_tokens": names.GEN_AI_REQUEST_MAX_TOKENS,
    "max_tokens": names.GEN_AI_REQUEST_MAX_TOKENS,
    "presence_penalty": names.GEN_AI_REQUEST_PRESENCE_PENALTY,
    "seed": names.GEN_AI_REQUEST_SEED,
    "temperature": names.GEN_AI_REQUEST_TEMPERATURE,
    "top_k": names.GEN_AI_REQUEST_TOP_K,
    "top_p": names.GEN_AI_REQUEST_TOP_P,
}
"""The attributes of the options of models that are numbers."""

_STOPS: Final = ("stop", "stop_sequences")

_TOOL_ERROR: Final = "tool_error"
"""The `error.type` of a tool that told the model about an error."""

_PORTS: Final = {"http": 80, "https": 443}

_SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS: Final = tuple(4**power for power in range(14))
"""The boundaries of the histograms' buckets, as the conventions recommend them."""


def spans(*, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None) -> CallHandler:
    """Return a handler that makes a span of each call, and meters time and tokens.

    The spans follow OpenTelemetry's conventions for generative AI: `invoke_agent`, `execute_tool`, and `chat` for a
    request to a model. The parent of a span is the span of the call that made this one, or the span that was active
    where the call was made. Inside of a call its span is the active one. A call has one span, even if another handler
    makes it several times.

    Spans have contents of messages, arguments and results only if the environment variable
    `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` is `SPAN_ONLY`, `SPAN_AND_EVENT` or `true`. They never have
    keys. Make this the first handler, so that a span covers what the other handlers do.

    Args:
        tracer_provider: Where the spans go; by default OpenTelemetry's global provider.
        meter_provider: Where the metrics go; by default the global one.

    Raises:
        ModuleNotFoundError: `opentelemetry-api` is not installed.
        TypeError: A provider is none.
    """
    try:
        from opentelemetry import metrics, trace  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "opentelemetry":
            raise
        raise ModuleNotFoundError(
            "spans() needs the package 'opentelemetry-api': pip install 'miniagents[otel]'", name=error.name
        ) from None
    if tracer_provider is not None:
        check_kind("spans: tracer_provider", tracer_provider, trace.TracerProvider, "no TracerProvider")
    if meter_provider is not None:
        check_kind("spans: meter_provider", meter_provider, metrics.MeterProvider, "no MeterProvider")
    return _Spans(
        trace.get_tracer("miniagents", __version__, tracer_provider, names.SCHEMA_URL),
        metrics.get_meter("miniagents", __version__, meter_provider, names.SCHEMA_URL),
    )


class _CallSpan(NamedTuple):
    """The span of a call that has not ended.

    Attributes:
        span: The span.
        facts: The attributes that the metrics have as well.
        spent: What the models that an agent asked itself have used.
    """

    span: Span
    facts: dict[str, AttributeValue]
    spent: list[Usage]


class _Spans:
    """Makes the spans of calls."""

    __qualname__ = "spans"

    def __init__(self, tracer: Tracer, meter: Meter) -> None:
        self._tracer = tracer
        self._with_contents = captures_contents()
        self._open: WeakKeyDictionary[Run, dict[int, _CallSpan]] = WeakKeyDictionary()
        self._duration = meter.create_histogram(
            names.GEN_AI_CLIENT_OPERATION_DURATION,
            "s",
            "GenAI operation duration.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._first_chunk = meter.create_histogram(
            names.GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK,
            "s",
            "Time to receive the first chunk in a streaming response.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._tokens = meter.create_histogram(
            names.GEN_AI_CLIENT_TOKEN_USAGE,
            "{token}",
            "Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )

    async def __call__(self, call: Call, proceed: Proceed) -> MessageType[Message] | None:
        if call.outcome is None:  # otherwise it was cancelled before it began
            from opentelemetry.context import attach  # noqa: PLC0415 - an extra
            from opentelemetry.trace import set_span_in_context  # noqa: PLC0415 - an extra

            opened = self._opened(call.run)
            if call.number not in opened:
                opened[call.number] = self._begun(call)
                call.when_ended(lambda: self._ended(call, opened))
            # it is never detached: the work of the call goes on in this task
            attach(set_span_in_context(opened[call.number].span))
        return proceed()

    def _opened(self, run: Run) -> dict[int, _CallSpan]:
        opened = self._open.get(run)
        if opened is None:
            opened = self._open[run] = {}
            # replies that nobody reads may never be complete
            finalize(run, _end_all, opened)
        return opened

    def _begun(self, call: Call) -> _CallSpan:
        from opentelemetry.trace import SpanKind  # noqa: PLC0415 - an extra

        facts: dict[str, AttributeValue] = {names.GEN_AI_OPERATION_NAME: _OPERATIONS[call.kind]}
        more: dict[str, AttributeValue] = {"miniagents.run": call.run.id, "miniagents.call": call.number}
        name = clean(call.name)
        agent = call.agent
        if call.kind == "model":
            facts.update(_facts_of_model(name, call.identity.details))
            more.update(_options(call.arguments))
            if "reply_schema" in call.identity.details:
                more[names.GEN_AI_OUTPUT_TYPE] = "json"
        elif isinstance(agent, MiniAgent):
            facts[names.GEN_AI_AGENT_NAME] = name
            if agent.description:
                more[names.GEN_AI_AGENT_DESCRIPTION] = clean(agent.description)
            if agent.version is not None:
                more[names.GEN_AI_AGENT_VERSION] = clean(agent.version)
        else:
            facts[names.GEN_AI_TOOL_NAME] = name
            more[names.GEN_AI_TOOL_TYPE] = "function"
            if call.tool_call is not None:
                more[names.GEN_AI_TOOL_CALL_ID] = clean(call.tool_call.id)
            if isinstance(agent, Tool) and agent.description:
                more[names.GEN_AI_TOOL_DESCRIPTION] = clean(agent.description)
        span = self._tracer.start_span(
            f"{_OPERATIONS[call.kind]} {name}",
            kind=SpanKind.CLIENT if call.kind == "model" else SpanKind.INTERNAL,
            attributes={**facts, **more},
        )
        return _CallSpan(span, facts, [])

    def _ended(self, call: Call, opened: dict[int, _CallSpan]) -> None:
        span, facts, spent = opened.pop(call.number)
        replies = call.complete_replies
        answers = [reply for reply in replies if isinstance(reply, AssistantMessage)]
        more: dict[str, AttributeValue] = {}
        if call.kind == "model":
            if answers and answers[0].model is not None:
                facts[names.GEN_AI_RESPONSE_MODEL] = clean(answers[0].model)
            more.update(_facts_of_answers(answers))
            spent = [answer.usage for answer in answers if answer.usage is not None]
        if call.outcome != "done":
            _set_error(span, facts, _type_of(call.error), None if call.error is None else str(call.error))
        elif any(isinstance(reply, ToolResultMessage) and reply.is_error for reply in replies) and call.kind == "tool":
            _set_error(span, facts, _TOOL_ERROR, None)
        first = None if call.first_piece is None or call.began is None else call.first_piece - call.began
        is_streamed = call.kind == "agent" or call.arguments.get("stream") is not False
        if first is not None and is_streamed and call.kind != "tool":
            more[names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK] = first
        if call.replayed:
            more["miniagents.replayed"] = True
        else:
            more.update(_facts_of_usage(spent))
            self._meter(call, span, facts, spent, first if is_streamed else None)
            if call.kind == "model" and (asking := _agent_around(call, opened)) is not None:
                asking.spent.extend(spent)
        if self._with_contents and span.is_recording():
            more.update(_contents(call, replies))
        span.set_attributes({**facts, **more})
        span.end()

    def _meter(
        self, call: Call, span: Span, facts: Mapping[str, AttributeValue], spent: list[Usage], first: float | None
    ) -> None:
        from opentelemetry.trace import set_span_in_context  # noqa: PLC0415 - an extra

        context = set_span_in_context(span)
        if call.began is not None and call.ended is not None:
            self._duration.record(call.ended - call.began, facts, context)
        if call.kind == "model":
            if first is not None:
                self._first_chunk.record(first, facts, context)
            for kind, count in (
                ("input", sum(usage.input_tokens for usage in spent)),
                ("output", sum(usage.output_tokens for usage in spent)),
            ):
                if spent:
                    self._tokens.record(count, {**facts, names.GEN_AI_TOKEN_TYPE: kind}, context)


def _end_all(opened: dict[int, _CallSpan]) -> None:
    while opened:
        opened.popitem()[1].span.end()


def _agent_around(call: Call, opened: Mapping[int, _CallSpan]) -> _CallSpan | None:
    """Return the span of the agent that made a request to a model."""
    around = call.parent
    while around is not None and around.kind != "agent":
        around = around.parent
    return None if around is None else opened.get(around.number)


def _set_error(span: Span, facts: dict[str, AttributeValue], error_type: str, description: str | None) -> None:
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - an extra

    facts[names.ERROR_TYPE] = error_type
    span.set_status(Status(StatusCode.ERROR, None if description is None else clean(description)))


def _type_of(error: BaseException | None) -> str:
    cls = type(error)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def _facts_of_model(name: str, details: Mapping[str, JsonValue]) -> dict[str, AttributeValue]:
    facts: dict[str, AttributeValue] = {names.GEN_AI_REQUEST_MODEL: name}
    provider, address = details.get("provider"), details.get("base_url")
    if isinstance(provider, str):
        facts[names.GEN_AI_PROVIDER_NAME] = clean(provider.lower())
    if isinstance(address, str):
        parts = urlsplit(address)
        port = parts.port or _PORTS.get(parts.scheme)
        if parts.hostname is not None and port is not None:
            facts[names.SERVER_ADDRESS] = clean(parts.hostname)
            facts[names.SERVER_PORT] = port
    return facts


def _options(options: Mapping[str, JsonValue]) -> dict[str, AttributeValue]:
    facts: dict[str, AttributeValue] = {names.GEN_AI_REQUEST_STREAM: options.get("stream") is not False}
    for option, name in _OPTIONS.items():
        value = options.get(option)
        if isinstance(value, int | float):
            facts[name] = value
    for option in _STOPS:
        stops = options.get(option)
        if isinstance(stops, str):
            facts[names.GEN_AI_REQUEST_STOP_SEQUENCES] = [clean(stops)]
        elif isinstance(stops, tuple):
            facts[names.GEN_AI_REQUEST_STOP_SEQUENCES] = [clean(str(stop)) for stop in stops]
    return facts


def _facts_of_answers(answers: list[AssistantMessage]) -> dict[str, AttributeValue]:
    facts: dict[str, AttributeValue] = {}
    reasons = [answer.finish_reason for answer in answers if answer.finish_reason is not None]
    if reasons:
        facts[names.GEN_AI_RESPONSE_FINISH_REASONS] = reasons
    if answers and answers[0].response_id is not None:
        facts[names.GEN_AI_RESPONSE_ID] = clean(answers[0].response_id)
    return facts


def _facts_of_usage(spent: list[Usage]) -> dict[str, AttributeValue]:
    if not spent:
        return {}
    facts: dict[str, AttributeValue] = {
        names.GEN_AI_USAGE_INPUT_TOKENS: sum(usage.input_tokens for usage in spent),
        names.GEN_AI_USAGE_OUTPUT_TOKENS: sum(usage.output_tokens for usage in spent),
    }
    details = {
        names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: sum(usage.cache_read_tokens for usage in spent),
        names.GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS: sum(usage.cache_write_tokens for usage in spent),
        names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: sum(usage.reasoning_tokens for usage in spent),
    }
    facts.update({name: count for name, count in details.items() if count})
    return facts


def _contents(call: Call, replies: tuple[Message, ...]) -> dict[str, AttributeValue]:
    if call.kind == "tool":
        arguments = "{}" if call.tool_call is None else call.tool_call.arguments
        said = "\n".join(map(str, replies))
        return {names.GEN_AI_TOOL_CALL_ARGUMENTS: clean(arguments), names.GEN_AI_TOOL_CALL_RESULT: clean(said)}
    contents: dict[str, AttributeValue] = {
        names.GEN_AI_INPUT_MESSAGES: spoken(call.complete_messages, "user"),
        names.GEN_AI_OUTPUT_MESSAGES: spoken(replies, "assistant"),
    }
    system = call.arguments.get("system")
    if call.kind == "model" and isinstance(system, str):
        contents[names.GEN_AI_SYSTEM_INSTRUCTIONS] = json.dumps([text_part(system)])
    return contents

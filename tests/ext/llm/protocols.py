"""What a server of language models says over HTTP, as frozen data: events, pauses, bodies, and how a reply ends.

A `Reply` gives a `Response` to a `Request`. `Script` has one for plain requests and one for those that ask for a
stream, and methods that make a faulty script of a good one: `cut`, `reset`, `stall`, `slow`, `truncate`, `insert`, …
"""

import dataclasses
import enum
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, Self, TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
Headers: TypeAlias = tuple[tuple[str, str], ...]

JSON_TYPE = ("content-type", "application/json")
STREAM_TYPE = ("content-type", "text/event-stream; charset=utf-8")


@dataclasses.dataclass(frozen=True)
class Request:
    """What a client asked for."""

    method: str
    path: str
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    """By their names in lower case."""
    content: bytes = dataclasses.field(repr=False)
    body: dict[str, Any]  # its shape is the vendor's, and tests read it at will
    """The decoded JSON, empty where the content is none."""

    @property
    def streams(self) -> bool:
        """Whether it asks for a stream."""
        return self.body.get("stream") is True

    @property
    def includes_usage(self) -> bool:
        """Whether it asks for the usage at the end of a stream, as chat completions do."""
        options: dict[str, object] = self.body.get("stream_options") or {}
        return options.get("include_usage") is True


@dataclasses.dataclass(frozen=True)
class Event:
    """A server-sent event."""

    data: str
    name: str | None = None
    if_usage_is_asked: bool = False
    """Only for a request with `stream_options={"include_usage": True}`."""

    def encode(self) -> bytes:
        name = f"event: {self.name}\n" if self.name is not None else ""
        return f"{name}data: {self.data}\n\n".encode()


@dataclasses.dataclass(frozen=True)
class Chunk:
    """Bytes as they are: a plain body, a comment between events, or what is no event at all."""

    content: bytes


KEEP_ALIVE = Chunk(b": keep-alive\n\n")
"""A comment, as proxies send it to keep a slow stream open."""


@dataclasses.dataclass(frozen=True)
class Pause:
    """The server waits some seconds."""

    seconds: float


@dataclasses.dataclass(frozen=True)
class Stall:
    """The server waits until the test calls `release()`."""


Wait: TypeAlias = Pause | Stall
Step: TypeAlias = Event | Chunk | Wait


class Ending(enum.Enum):
    """What the server does after the last step."""

    PROPER = "the body is complete"
    CUT = "the connection is closed, and the body is not complete"
    RESET = "the connection is reset"


class Reply(Protocol):
    """What can be answered with."""

    def to(self, request: Request) -> "Response":
        """What this request gets."""
        ...


@dataclasses.dataclass(frozen=True)
class Response:
    """One answer over HTTP."""

    steps: tuple[Step, ...] = ()
    status: int = 200
    headers: Headers = (JSON_TYPE,)
    before: tuple[Wait, ...] = ()
    """What the server waits for before it sends the head."""
    has_head: bool = True
    """Whether anything is sent at all before the end."""
    ending: Ending = Ending.PROPER
    length: int | None = None
    """The content length that is announced; None is for a body in HTTP chunks."""
    before_each: Wait | None = None
    """What the server waits for before each event."""
    line_end: str = "\n"
    """What the lines of the events end with."""
    write_size: int | None = None
    """How many bytes are written at a time; None is for an event at a time."""

    def to(self, request: Request) -> "Response":
        """The same for every request, but for events that must be asked for."""
        steps = (each for each in self.steps if not (isinstance(each, Event) and each.if_usage_is_asked))
        return self if request.includes_usage else dataclasses.replace(self, steps=tuple(steps))

    def writes(self) -> Iterator[bytes | Wait]:
        """What the server does one after the other to send the body."""
        content = b""
        for step in self.steps:
            if self.before_each is not None and isinstance(step, Event):
                yield self.before_each
            if isinstance(step, Chunk):
                content += step.content
            elif isinstance(step, Event):
                content += step.encode().replace(b"\n", self.line_end.encode())
            size = self.write_size or max(len(content), 1)
            while len(content) >= size:
                yield content[:size]
                content = content[size:]
            if isinstance(step, Wait):
                yield step
        if content:
            yield content

    def events_first(self, count: int) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        """The steps up to this many events or chunks, and those behind them."""
        seen = 0
        for place, step in enumerate(self.steps):
            if seen == count:
                return self.steps[:place], self.steps[place:]
            seen += isinstance(step, Event | Chunk)
        assert seen == count, f"there are only {seen} events to have {count} of"
        return self.steps, ()


def json_response(body: Json, *, status: int = 200, headers: Headers = ()) -> Response:
    """A body of JSON with its length."""
    return text_response(encode(body), status=status, headers=(JSON_TYPE, *headers))


def text_response(body: str, *, status: int = 200, headers: Headers = (JSON_TYPE,)) -> Response:
    """A body of whatever text with its length."""
    content = body.encode()
    return Response((Chunk(content),), status, headers, length=len(content))


def stream_response(*steps: Step, headers: Headers = ()) -> Response:
    """A stream of server-sent events."""
    return Response(steps, headers=(STREAM_TYPE, *headers))


def encode(body: Json) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


@dataclasses.dataclass(frozen=True)
class Script:
    """One description, answered plain or streamed as the request asks for.

    The methods give a new script that goes wrong. `after` counts events of the stream; a plain body, which has none,
    goes wrong in its middle.
    """

    plain: Response
    streamed: Response

    def to(self, request: Request) -> Response:
        """The stream if it is asked for, else the plain body."""
        return (self.streamed if request.streams else self.plain).to(request)

    def cut(self, *, after: int | None) -> Self:
        """The connection is closed before the body is complete; None is before the head of the response."""
        return self._ending(after, Ending.CUT)

    def reset(self, *, after: int | None) -> Self:
        """The connection is reset before the body is complete; None is before the head of the response."""
        return self._ending(after, Ending.RESET)

    def truncate(self, *, after: int) -> Self:
        """HTTP ends as it should, but the rest of the events, or of the JSON, is not there."""
        first, _ = self.streamed.events_first(after)
        half = _first_half(self.plain)
        plain = dataclasses.replace(self.plain, steps=(half,), length=len(half.content))
        return dataclasses.replace(self, plain=plain, streamed=dataclasses.replace(self.streamed, steps=first))

    def stall(self, *, after: int | None) -> Self:
        """The server waits for `release()`, then goes on; None is before the head of the response."""
        return self._waiting(Stall(), after)

    def pause(self, seconds: float, *, after: int | None) -> Self:
        """The server waits, then goes on; None is before the head of the response."""
        return self._waiting(Pause(seconds), after)

    def slow(self, seconds: float) -> Self:
        """The server waits before each event, or before a plain response."""
        return self._between(Pause(seconds))

    def stepwise(self) -> Self:
        """Each event, or the plain response, waits for a `release()`."""
        return self._between(Stall())

    def insert(self, *steps: Step, after: int) -> Self:
        """The stream has more in it; a plain body is what it was."""
        first, rest = self.streamed.events_first(after)
        return self._streaming((*first, *steps, *rest))

    def fail(self, event: Event, *, after: int) -> Self:
        """The stream ends with an event that says why; a plain body is what it was."""
        first, _ = self.streamed.events_first(after)
        return self._streaming((*first, event))

    def without(self, *names: str) -> Self:
        """Events of these names are not sent."""
        present = {each.name for each in self.streamed.steps if isinstance(each, Event)}
        assert present.issuperset(names), f"no such events: {set(names) - present}"
        kept = (each for each in self.streamed.steps if not (isinstance(each, Event) and each.name in names))
        return self._streaming(tuple(kept))

    def nameless(self) -> Self:
        """Events have data alone, as some servers send them."""
        steps = (
            dataclasses.replace(each, name=None) if isinstance(each, Event) else each for each in self.streamed.steps
        )
        return self._streaming(tuple(steps))

    def chopped(self, size: int) -> Self:
        """Bodies come in pieces of so many bytes, which end in the midst of lines and of characters."""
        return self._both(lambda response: dataclasses.replace(response, write_size=size))

    def with_line_ends(self, line_end: str) -> Self:
        """The lines of the stream end with "\\r\\n" or "\\r"."""
        return self._both(lambda response: dataclasses.replace(response, line_end=line_end))

    def with_headers(self, *headers: tuple[str, str]) -> Self:
        """Both responses have these headers instead of, or beside, their own."""
        return self._both(
            lambda response: dataclasses.replace(response, headers=_overridden(response.headers, headers))
        )

    def _both(self, change: Callable[[Response], Response]) -> Self:
        return dataclasses.replace(self, plain=change(self.plain), streamed=change(self.streamed))

    def _streaming(self, steps: tuple[Step, ...]) -> Self:
        return dataclasses.replace(self, streamed=dataclasses.replace(self.streamed, steps=steps))

    def _ending(self, after: int | None, ending: Ending) -> Self:
        if after is None:
            dropped = Response(has_head=False, ending=ending)
            return dataclasses.replace(self, plain=dropped, streamed=dropped)
        first, _ = self.streamed.events_first(after)
        plain = dataclasses.replace(self.plain, steps=(_first_half(self.plain),), ending=ending)
        streamed = dataclasses.replace(self.streamed, steps=first, ending=ending)
        return dataclasses.replace(self, plain=plain, streamed=streamed)

    def _waiting(self, wait: Wait, after: int | None) -> Self:
        if after is None:
            return self._both(lambda response: dataclasses.replace(response, before=(*response.before, wait)))
        first, rest = self.streamed.events_first(after)
        half = _first_half(self.plain)
        other = Chunk(_content(self.plain)[len(half.content) :])
        plain = dataclasses.replace(self.plain, steps=(half, wait, other))
        return dataclasses.replace(self, plain=plain)._streaming((*first, wait, *rest))

    def _between(self, wait: Wait) -> Self:
        plain = dataclasses.replace(self.plain, before=(*self.plain.before, wait))
        streamed = dataclasses.replace(self.streamed, before_each=wait)
        return dataclasses.replace(self, plain=plain, streamed=streamed)


def _content(response: Response) -> bytes:
    return b"".join(each for each in response.writes() if isinstance(each, bytes))


def _first_half(response: Response) -> Chunk:
    content = _content(response)
    return Chunk(content[: len(content) // 2])


def _overridden(headers: Headers, others: Headers) -> Headers:
    names = {name for name, _ in others}
    return (*(each for each in headers if each[0] not in names), *others)

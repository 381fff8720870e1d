"""The replies of a server of language models, as frozen data: events, pauses, bodies, and how a reply ends.

A `Reply` gives a `Response` to a `Request`. `Script` has one for plain requests and one for those that ask for a
stream, and methods that make a faulty script from a good one: `cut`, `reset`, `stall`, `slow`, `truncate`, `insert`, …
"""

import dataclasses
import enum
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, Self, TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
Headers: TypeAlias = tuple[tuple[str, str], ...]

JSON_TYPE = ("content-type", "application/json")
STREAM_TYPE = ("content-type", "text/event-stream; charset=utf-8")


@dataclasses.dataclass(frozen=True)
class Request:
    """A request of a client."""

    method: str
    path: str
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    """The values of the headers, by their names in lower case."""
    content: bytes = dataclasses.field(repr=False)
    body: dict[str, Any]  # its shape is the vendor's, and tests read it at will
    """The decoded JSON; empty if the content is not JSON."""

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
    """Bytes that are sent unchanged: a plain body, a comment between events, or an invalid event."""

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
    """How the server ends a response after the last step."""

    PROPER = "the body is complete"
    CUT = "the connection is closed, and the body is not complete"
    RESET = "the connection is reset"


class Reply(Protocol):
    """A reply, which makes a response for a request."""

    def to(self, request: Request) -> "Response":
        """Return the response to a request."""
        ...


@dataclasses.dataclass(frozen=True)
class Response:
    """One answer over HTTP."""

    steps: tuple[Step, ...] = ()
    status: int = 200
    headers: Headers = (JSON_TYPE,)
    before: tuple[Wait, ...] = ()
    """The pauses before the head is sent."""
    has_head: bool = True
    """Whether anything is sent at all before the end."""
    ending: Ending = Ending.PROPER
    length: int | None = None
    """The content length that the head announces; None for a body in HTTP chunks."""
    before_each: Wait | None = None
    """The pauses before each event."""
    line_end: str = "\n"
    """The line ends of the events."""
    write_size: int | None = None
    """How many bytes are written at a time; None for one event at a time."""

    def to(self, request: Request) -> "Response":
        """Return the same response to every request, without events that this one does not ask for."""
        steps = (each for each in self.steps if not (isinstance(each, Event) and each.if_usage_is_asked))
        return self if request.includes_usage else dataclasses.replace(self, steps=tuple(steps))

    def writes(self) -> Iterator[bytes | Wait]:
        """Yield the steps in which the server sends the body."""
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
        """Split the steps after this many events or chunks."""
        seen = 0
        for place, step in enumerate(self.steps):
            if seen == count:
                return self.steps[:place], self.steps[place:]
            seen += isinstance(step, Event | Chunk)
        assert seen == count, f"there are only {seen} events to have {count} of"
        return self.steps, ()


def json_response(body: Json, *, status: int = 200, headers: Headers = ()) -> Response:
    """Return a body of JSON with its length."""
    return text_response(encode(body), status=status, headers=(JSON_TYPE, *headers))


def text_response(body: str, *, status: int = 200, headers: Headers = (JSON_TYPE,)) -> Response:
    """Return a body of text with its length."""
    content = body.encode()
    return Response((Chunk(content),), status, headers, length=len(content))


def stream_response(*steps: Step, headers: Headers = ()) -> Response:
    """Return a stream of server-sent events."""
    return Response(steps, headers=(STREAM_TYPE, *headers))


def encode(body: Json) -> str:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)


@dataclasses.dataclass(frozen=True)
class Script:
    """One description, answered plain or streamed as the request asks for.

    The methods return a new script with a fault. `after` counts events of the stream. A plain body has no events: its
    fault is in its middle.
    """

    plain: Response
    streamed: Response

    def to(self, request: Request) -> Response:
        """Return the stream if it is asked for, else the plain body."""
        return (self.streamed if request.streams else self.plain).to(request)

    def cut(self, *, after: int | None) -> Self:
        """Close the connection before the body is complete; None means before the head of the response."""
        return self._ending(after, Ending.CUT)

    def reset(self, *, after: int | None) -> Self:
        """Reset the connection before the body is complete; None means before the head of the response."""
        return self._ending(after, Ending.RESET)

    def truncate(self, *, after: int) -> Self:
        """Leave out the rest of the events, or of the JSON, but end HTTP correctly."""
        first, _ = self.streamed.events_first(after)
        half = _first_half(self.plain)
        plain = dataclasses.replace(self.plain, steps=(half,), length=len(half.content))
        return dataclasses.replace(self, plain=plain, streamed=dataclasses.replace(self.streamed, steps=first))

    def stall(self, *, after: int | None) -> Self:
        """Wait for `release()`, then continue; None means before the head of the response."""
        return self._waiting(Stall(), after)

    def pause(self, seconds: float, *, after: int | None) -> Self:
        """Wait some seconds, then continue; None means before the head of the response."""
        return self._waiting(Pause(seconds), after)

    def slow(self, seconds: float) -> Self:
        """Wait some seconds before each event, or before a plain response."""
        return self._between(Pause(seconds))

    def stepwise(self) -> Self:
        """Wait for a `release()` before each event, or before the plain response."""
        return self._between(Stall())

    def insert(self, *steps: Step, after: int) -> Self:
        """Insert further steps into the stream; a plain body stays as it is."""
        first, rest = self.streamed.events_first(after)
        return self._streaming((*first, *steps, *rest))

    def fail(self, event: Event, *, after: int) -> Self:
        """End the stream with an event of an error; a plain body stays as it is."""
        first, _ = self.streamed.events_first(after)
        return self._streaming((*first, event))

    def without(self, *names: str) -> Self:
        """Leave out events of these names."""
        present = {each.name for each in self.streamed.steps if isinstance(each, Event)}
        assert present.issuperset(names), f"no such events: {set(names) - present}"
        kept = (each for each in self.streamed.steps if not (isinstance(each, Event) and each.name in names))
        return self._streaming(tuple(kept))

    def nameless(self) -> Self:
        """Send events without names, as some servers do."""
        steps = (
            dataclasses.replace(each, name=None) if isinstance(each, Event) else each for each in self.streamed.steps
        )
        return self._streaming(tuple(steps))

    def chopped(self, size: int) -> Self:
        """Send bodies in pieces of this many bytes, which end in the middle of lines and of characters."""
        return self._both(lambda response: dataclasses.replace(response, write_size=size))

    def with_line_ends(self, line_end: str) -> Self:
        """End the lines of the stream with "\\r\\n" or "\\r"."""
        return self._both(lambda response: dataclasses.replace(response, line_end=line_end))

    def with_headers(self, *headers: tuple[str, str]) -> Self:
        """Set headers of both responses; they replace those of the same names."""
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

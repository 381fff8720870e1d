"""A real HTTP/1.1 server on loopback, in the loop of the test. It answers as a test says, and counts requests.

    async with ModelServer(openai_chat("Hello!")) as server:
        async with AsyncOpenAI(base_url=server.openai_url, api_key="x") as client:
            ...

At its end it raises an error for faults that the test would not notice: a request without a reply, a reply without a
request, a connection that its client left open.
"""

import asyncio
import contextlib
import json
import socket
import struct
from collections import deque
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

import h11
from typing_extensions import override

from tests.ext.llm.protocols import Ending, Pause, Reply, Request, Response, Wait
from tests.watchdog import PATIENCE

HOST: Final = "127.0.0.1"
BAD_REQUEST: Final = 400
"""The reply to a request that the server has no answer for; no SDK tries again after this status."""

AnswerTo: TypeAlias = Callable[[Request], Reply]


class ModelServer:
    """Answers requests with replies in their order, then with those of a function, and keeps the requests."""

    def __init__(self, *replies: Reply, by: AnswerTo | None = None, may_stay_open: bool = False) -> None:
        """The replies in the order in which requests come; `by` answers those that come after the last of them.

        `may_stay_open` is for tests of clients that outlive the server.
        """
        self.requests: list[Request] = []
        """All requests so far."""
        self.connections_made = 0
        """How many connections were ever made."""
        self.clients_gone = 0
        """How many clients closed a connection before they had the whole response."""
        self._replies = deque(replies)
        self._by = by
        self._may_stay_open = may_stay_open
        self._faults: list[BaseException] = []
        self._connections: set[_Connection] = set()
        self._stalled: set[asyncio.Future[None]] = set()
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}"

    @property
    def openai_url(self) -> str:
        """The `base_url` for OpenAI's client."""
        return f"{self.url}/v1"

    @property
    def anthropic_url(self) -> str:
        """The `base_url` for Anthropic's client."""
        return self.url

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return len(self._connections)

    @property
    def stalled(self) -> int:
        """How many responses wait for `release()` now."""
        return len(self._stalled)

    def release(self) -> None:
        """Continue the responses that stall now."""
        for each in self._stalled:
            if not each.done():
                each.set_result(None)
        self._stalled.clear()
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition is true; raise an error if that takes too long."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_stalled(self, count: int = 1) -> None:
        """Wait until this many responses stall."""
        await self.until(lambda: self.stalled >= count)

    async def until_client_gone(self, count: int = 1) -> None:
        """Wait until this many clients have closed their connections in the middle of a response."""
        await self.until(lambda: self.clients_gone >= count)

    async def until_all_closed(self) -> None:
        """Wait until no connection is open."""
        await self.until(lambda: not self._connections)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(lambda: _Connection(self), HOST, 0)
        self._port = self._listening.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._listening is not None
        self._listening.close()
        left_open: list[str] = []
        try:
            if error is None and not self._may_stay_open:
                left_open = await self._left_open()
        finally:
            for each in tuple(self._connections):
                each.abort()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self.until_all_closed()
            await self._listening.wait_closed()
        if error is not None:
            for fault in self._faults:
                error.add_note(f"in the server: {fault!r}")
            return
        if self._faults:
            raise self._faults[0]
        assert not left_open, f"clients left connections open, which were for {left_open}"
        assert not self._replies, f"{len(self._replies)} replies were not asked for: {list(self._replies)}"

    async def _left_open(self) -> list[str]:
        """Return the paths of the connections that do not end by themselves."""
        with contextlib.suppress(TimeoutError):
            await self.until_all_closed()
        return [each.path for each in self._connections]

    # --- for the connections ---

    def opened(self, connection: "_Connection") -> None:
        self.connections_made += 1
        self._connections.add(connection)
        self._changed.set()

    def closed(self, connection: "_Connection", *, early: bool) -> None:
        self._connections.discard(connection)
        self.clients_gone += early
        self._changed.set()

    def answer_to(self, request: Request) -> Response:
        self.requests.append(request)
        self._changed.set()
        try:
            if self._replies:
                return self._replies.popleft().to(request)
            assert self._by is not None, f"no reply is left for request {len(self.requests)}: {request}"
            return self._by(request).to(request)
        except Exception as error:  # noqa: BLE001 - every error is raised where the test sees it
            self._faults.append(error)
            return Response(status=BAD_REQUEST, headers=(), length=0)

    def failed(self, error: BaseException) -> None:
        self._faults.append(error)

    def start(self, sending: Coroutine[object, object, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(sending)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def wait(self, wait: Wait) -> None:
        if isinstance(wait, Pause):
            await asyncio.sleep(wait.seconds)
            return
        released = asyncio.get_running_loop().create_future()
        self._stalled.add(released)
        self._changed.set()
        try:
            await released
        finally:
            self._stalled.discard(released)


def unreachable_url() -> str:
    """Return the URL of a port of this machine on which no server listens."""
    with socket.create_server((HOST, 0)) as unused:
        return f"http://{HOST}:{unused.getsockname()[1]}/v1"


class _Connection(asyncio.Protocol):
    """One connection of a client: h11 knows the protocol, asyncio the socket."""

    def __init__(self, server: ModelServer) -> None:
        self.path = "no request"
        """That of the last request."""
        self._server = server
        self._http = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._content = b""
        self._sending: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.Transport

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.opened(self)

    @override
    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._read()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        early = self._sending is not None
        if self._sending is not None:
            self._sending.cancel()
        self._server.closed(self, early=early)

    @override
    def pause_writing(self) -> None:
        self._writable.clear()

    @override
    def resume_writing(self) -> None:
        self._writable.set()

    def abort(self) -> None:
        """Drop the connection from this side, so that it does not count as closed by the client."""
        sending, self._sending = self._sending, None
        if sending is not None:
            sending.cancel()
        self._transport.abort()

    def _read(self) -> None:
        try:
            while (event := self._http.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                self._take(event)
        except h11.RemoteProtocolError as error:
            self._server.failed(error)
            self.abort()

    def _take(self, event: object) -> None:
        if isinstance(event, h11.Request):
            self._head, self._content, self.path = event, b"", event.target.decode()
        elif isinstance(event, h11.Data):
            self._content += event.data
        elif isinstance(event, h11.EndOfMessage):
            response = self._server.answer_to(self._request())
            self._sending = self._server.start(self.send(response))

    def _request(self) -> Request:
        assert self._head is not None
        headers = {name.decode().lower(): value.decode() for name, value in self._head.headers}
        return Request(self._head.method.decode(), self.path, headers, self._content, _json(self._content))

    async def send(self, response: Response) -> None:
        """Send a response step by step, with its pauses and its ending."""
        try:
            await self._send_to_the_end(response)
        except Exception as error:  # noqa: BLE001 - a client is not to wait for what will not come
            self._server.failed(error)
            self._sending = None
            self._transport.abort()

    async def _send_to_the_end(self, response: Response) -> None:
        for wait in response.before:
            await self._server.wait(wait)
        if response.has_head:
            await self._send_head_and_body(response)
        if response.ending is Ending.RESET:
            while self._transport.get_write_buffer_size():
                await asyncio.sleep(0)
        self._sending = None  # from here on the client may go
        if response.ending is Ending.PROPER:
            self._write(h11.EndOfMessage())
            self._next()
        elif response.ending is Ending.CUT:
            self._transport.close()
        else:
            linger_for_no_time = struct.pack("ii", 1, 0)
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_no_time)
            self._transport.abort()

    async def _send_head_and_body(self, response: Response) -> None:
        length = () if response.length is None else (("content-length", str(response.length)),)
        self._write(h11.Response(status_code=response.status, headers=[*response.headers, *length]))
        for each in response.writes():
            if isinstance(each, bytes):
                await asyncio.sleep(0)  # the client reads what there is while the rest is written
                await self._writable.wait()
                self._write(h11.Data(data=each))
            else:
                await self._server.wait(each)

    def _write(self, event: h11.Response | h11.Data | h11.EndOfMessage) -> None:
        self._transport.write(self._http.send(event) or b"")

    def _next(self) -> None:
        if self._http.our_state is h11.MUST_CLOSE:
            self._transport.close()
        else:
            self._http.start_next_cycle()
            self._read()


def _json(content: bytes) -> dict[str, Any]:  # a request may be any JSON object
    try:
        body: dict[str, Any] = json.loads(content)  # the vendors' requests are objects
    except ValueError:
        return {}
    return body

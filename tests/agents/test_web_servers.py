"""P12: one context serves all requests of a web server. The servers are real: uvicorn, with Starlette and FastAPI."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from miniagents import AgentReplyNode, InteractionContext, Message, MiniAgents, NoActiveContextError, miniagent

httpx = pytest.importorskip("httpx", reason="it is in the extra `test`")
uvicorn = pytest.importorskip("uvicorn", reason="as above")
fastapi = pytest.importorskip("fastapi", reason="as above")
from starlette.applications import Starlette  # noqa: E402  # installed with FastAPI
from starlette.requests import Request  # noqa: E402
from starlette.responses import PlainTextResponse, Response, StreamingResponse  # noqa: E402
from starlette.routing import Route  # noqa: E402

App = Callable[..., Awaitable[None]]
Scope = MutableMapping[str, Any]  # Any: as ASGI says

REQUESTS: Final = 20


@miniagent
async def shout(ctx: InteractionContext) -> None:
    for message in await ctx.messages:
        ctx.reply(f"{message}!")


@dataclass
class World:
    """What the requests of one server have in common."""

    kept: list[Message] = field(default_factory=list[Message])
    begun: threading.Event = field(default_factory=threading.Event)
    cancelled: threading.Event = field(default_factory=threading.Event)
    clients: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        async def keep(messages: tuple[Message, ...]) -> None:
            self.kept.extend(messages)

        self.context = MiniAgents(on_persist_messages=keep)

        async def talk(ctx: InteractionContext) -> None:
            ctx.reply("one")
            self.begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled.set()

        self.talk = miniagent(talk)

    @contextlib.asynccontextmanager
    async def lifespan(self, _: object) -> AsyncGenerator[None]:
        async with self.context:
            yield

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncGenerator[str]:
        async with asyncio.TaskGroup():
            self.clients.append("open")
            yield "client"
        self.clients.append("close")

    # --- the work of requests ---

    async def entering(self, text: str) -> str:
        with pytest.raises(NoActiveContextError, match="enter it with `with context.entered"):
            shout.inquire(text)
        with self.context.entered():
            assert await self.context.shared_async("client", self.client) == "client"
            return str((await shout.inquire(text))[0])

    async def inner(self, text: str) -> str:
        async with MiniAgents(parent=self.context) as context:
            assert await context.shared_async("client", self.client) == "client"
            return str((await shout.inquire(text))[0])

    async def streamed(self) -> AsyncIterator[str]:
        async with MiniAgents(parent=self.context, on_leave="cancel"):
            async for message in self.talk.inquire():
                async for token in message:
                    yield token

    def in_worker_thread(self, text: str) -> str:
        return str(self.context.from_thread(shout.inquire, text).result()[0])


def starlette_app(world: World) -> App:
    async def entering(request: Request) -> Response:
        return PlainTextResponse(await world.entering(request.path_params["text"]))

    async def inner(request: Request) -> Response:
        return PlainTextResponse(await world.inner(request.path_params["text"]))

    async def streamed(_: Request) -> Response:
        return StreamingResponse(world.streamed())

    def in_worker_thread(request: Request) -> Response:
        return PlainTextResponse(world.in_worker_thread(request.path_params["text"]))

    return Starlette(
        lifespan=world.lifespan,
        routes=[
            Route("/entering/{text}", entering),
            Route("/inner/{text}", inner),
            Route("/streamed", streamed),
            Route("/thread/{text}", in_worker_thread),
        ],
    )


def fastapi_app(world: World) -> App:
    app = fastapi.FastAPI(lifespan=world.lifespan, default_response_class=PlainTextResponse)
    app.get("/entering/{text}")(world.entering)
    app.get("/inner/{text}")(world.inner)
    app.get("/thread/{text}")(world.in_worker_thread)

    @app.get("/streamed")  # type: ignore[untyped-decorator]  # FastAPI is imported at run time
    def streamed() -> StreamingResponse:
        return StreamingResponse(world.streamed())

    made: App = app
    return made


@contextlib.contextmanager
def served(app: App, *, loop: str = "asyncio") -> Generator[str]:
    """Serve an application in a thread; yield its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="on", loop=loop, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            thread.join(0.01)
        host, port = server.servers[0].sockets[0].getsockname()
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "uvloop":
        pytest.importorskip("uvloop", reason="uvloop knows no Windows")
    return name


@pytest.mark.parametrize("make", [starlette_app, fastapi_app])
@pytest.mark.parametrize("path", ["entering", "inner", "thread"])
def test_p12_all_requests_use_the_context_of_the_lifespan(make: Callable[[World], App], path: str, loop: str) -> None:
    world = World()
    with served(make(world), loop=loop) as address, ThreadPoolExecutor(REQUESTS) as pool:

        def asked(number: int) -> str:
            return str(httpx.get(f"{address}/{path}/{number}").text)

        assert list(pool.map(asked, range(REQUESTS))) == [f"{number}!" for number in range(REQUESTS)]
    assert sum(isinstance(message, AgentReplyNode) for message in world.kept) == REQUESTS
    assert world.clients == ([] if path == "thread" else ["open", "close"])


@pytest.mark.parametrize("make", [starlette_app, fastapi_app])
def test_p8_an_agent_stops_when_the_client_has_gone(make: Callable[[World], App], loop: str) -> None:
    world = World()
    with served(make(world), loop=loop) as address:
        with httpx.stream("GET", f"{address}/streamed") as answer:
            chunks = answer.iter_text()  # dropping it would close the connection
            assert next(chunks) == "one"
            assert world.begun.wait(60)
            assert not world.cancelled.is_set()
        assert world.cancelled.wait(60)


def test_p12_middleware_enters_the_context_for_every_request() -> None:
    world = World()

    async def endpoint(request: Request) -> Response:
        (reply,) = await shout.inquire(request.path_params["text"])
        return PlainTextResponse(str(reply))

    app = Starlette(lifespan=world.lifespan, routes=[Route("/{text}", endpoint)])

    async def entering(scope: Scope, receive: object, send: object) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            return
        with world.context.entered():
            await app(scope, receive, send)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    with served(entering) as address:
        assert httpx.get(f"{address}/hello").text == "hello!"

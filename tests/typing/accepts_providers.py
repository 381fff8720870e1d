"""Providers of language models: choosing them by name, and writing one."""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, assert_type

from typing_extensions import override

from miniagents import (
    AssistantMessage,
    Message,
    MessageSequencePromise,
    ReasoningDelta,
    ToolResultMessage,
    ValueMessage,
    tool,
)
from miniagents.ext.llm import Provider, Providers, create_agent
from miniagents.ext.llm.providers import (
    ClientSettings,
    Closable,
    ConversationRules,
    Finished,
    JsonObject,
    LibraryOptions,
    ModelAgent,
    ModelEvent,
    ModelProtocol,
    ModelRequest,
    OptionRules,
    Reader,
    ToolCallPiece,
    error_of_response,
    missing_key,
    provider_of,
    raw_piece,
    text_in,
)
from miniagents.testing.provider_contract import ModelAnswer, ModelFailure, ProviderContract, ProviderServer


class Sunny(Message, frozen=True, kw_only=True):
    celsius: int


class Rainy(Message, frozen=True, kw_only=True):
    litres: int


@tool
async def weather(city: str) -> str:
    """Tell the weather."""
    return city


def by_name(mine: Provider) -> None:
    assert_type(create_agent("openai:gpt-5"), ModelAgent[AssistantMessage])
    assert_type(create_agent("openai:gpt-5", api_key="x", max_retries=0, temperature=1), ModelAgent[AssistantMessage])
    assert_type(create_agent("x:y", tools=[weather]), ModelAgent[AssistantMessage | ToolResultMessage])
    assert_type(create_agent("x:y", reply_type=Sunny | Rainy), ModelAgent[Sunny | Rainy])
    assert_type(
        create_agent("x:y", tools=[weather], reply_type=Sunny),
        ModelAgent[AssistantMessage | ToolResultMessage | Sunny],
    )
    assert_type(create_agent("x:y", reply_type=list[int]), ModelAgent[ValueMessage[list[int]]])
    create_agent("mine:x", providers=Providers({"mine": mine}))
    create_agent("mine:x", providers={"mine": mine})
    assert_type(create_agent("x:y", reply_type=Sunny).inquire("Hi", system="x"), MessageSequencePromise[Sunny])


def providers(mine: Provider) -> None:
    known: Mapping[str, Provider] = Providers()
    assert_type(list(Providers({"mine": mine})), list[str])
    assert_type(known["openai"].key_variable, str | None)
    mine.client(api_key="x", base_url="http://x", max_retries=1, default_headers={"x": "y"})
    mine.create_agent("x")
    mine.make_client(ClientSettings(api_key="x"))
    assert_type(provider_of("openai:x", known), tuple[Provider, str])


class Client:
    async def close(self) -> None: ...


class Options(LibraryOptions, total=False):
    volume: int


class Protocol(ModelProtocol[Client, AssistantMessage]):
    provider = "Mine"
    rules = ConversationRules(system_apart=True)
    option_rules = OptionRules("Mine", Options, {"loud": "give volume"})
    message_class = AssistantMessage

    @override
    def body(self, request: ModelRequest) -> dict[str, object]:
        return {"model": request.model, "tools": request.tools_by(lambda each: {"name": each.name})}

    @override
    async def chunks(self, client: Client, body: Mapping[str, object], *, stream: bool) -> AsyncGenerator[object, None]:
        if not body:
            raise error_of_response(429, {"error": "no"}, retry_after=1.5, request_id="x")
        yield {"says": f"{client} {stream}"}

    @override
    def reader(self, request: ModelRequest | None = None) -> Reader:
        return Reading()


class Reading(Reader):
    @override
    def read(self, chunk: JsonObject) -> Iterator[ModelEvent]:
        yield text_in(chunk, "says") or ""
        yield raw_piece(ReasoningDelta, "x")
        yield ToolCallPiece(0, "id", "name", "{}")
        yield Finished("stop")

    @override
    def read_whole(self, answer: JsonObject) -> Iterator[ModelEvent]:
        yield from self.read(answer)


class Agent(ModelAgent[Message]):
    __slots__ = ()
    protocol = Protocol()


def client_of(settings: ClientSettings) -> Client:
    if settings.api_key is None:
        raise missing_key("Mine", "MY_KEY")
    return Client()


def create_my_agent(model: str, **given: Any) -> Agent:
    return Agent.of_model("create_my_agent", model, client_of, given)


MINE = Provider(create_agent=create_my_agent, make_client=client_of, key_variable="MY_KEY")
closable: Closable = Client()


class TestMine(ProviderContract):
    reasons = False

    @override
    @asynccontextmanager
    async def serving(self, *answers: ModelAnswer | ModelFailure) -> AsyncGenerator[ProviderServer]:
        yield Server()


class Server:
    def agent(self, **given: Any) -> ModelAgent[Any]:
        return create_my_agent("x", **given)

    def requests(self) -> list[str]:
        return [f"{ModelAnswer(text=('x',), finish='length', ends='cut')}{ModelFailure(status=429, retry_after=1)}"]

    async def until_closed(self) -> None: ...

"""Models that are chosen by a text, such as "openai:gpt-5"."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from miniagents import Message, MiniAgent, MiniAgents
from miniagents.ext.llm import (
    AnthropicAgent,
    LanguageModelError,
    MissingKeyError,
    MissingSDKError,
    ModelSetupError,
    OpenAIAgent,
    OpenAIResponsesAgent,
    Provider,
    Providers,
    create_agent,
)
from miniagents.ext.llm.providers import ClientSettings, provider_of
from tests.ext.llm.answers import answer
from tests.ext.llm.anthropic.answering import anthropic_messages
from tests.ext.llm.frames import places_of
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.openai.answering_chat import openai_chat
from tests.ext.llm.protocols import Reply
from tests.ext.llm.replies import Saying

KEY: Final = "sk-of-these-tests"
ANY: Any = create_agent  # Any: options of any kind do not tell the overloads apart
VARIABLES: Final = (
    *("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_VERSION", "OLLAMA_HOST", "OLLAMA_API_KEY"),
    *("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "ANTHROPIC_API_KEY"),
    *("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_BEARER_TOKEN_BEDROCK"),
    *("ANTHROPIC_BEDROCK_BASE_URL", "CLOUD_ML_REGION", "ANTHROPIC_VERTEX_PROJECT_ID", "ANTHROPIC_VERTEX_BASE_URL"),
)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("model", "options", "cls", "alias"),
    [
        ("openai:gpt-5", {}, OpenAIAgent, "gpt-5"),
        ("openai:gpt-5", {"api": "responses"}, OpenAIResponsesAgent, "gpt-5"),
        ("azure:mine", {"api": "responses"}, OpenAIResponsesAgent, "mine"),
        ("ollama:llama3:8b", {}, OpenAIAgent, "llama3:8b"),
        ("anthropic:claude", {"alias": "Claude"}, AnthropicAgent, "Claude"),
        ("bedrock:eu.anthropic.claude-v1:0", {}, AnthropicAgent, "eu.anthropic.claude-v1:0"),
        ("vertex:claude@2025", {}, AnthropicAgent, "claude@2025"),
    ],
)
def test_the_text_says_provider_and_model(
    model: str, options: Mapping[str, Any], cls: type[MiniAgent[Message, Message, ...]], alias: str
) -> None:
    agent = ANY(model, **options)
    assert isinstance(agent, cls)
    assert agent.alias == alias


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (
            "gpt-5",
            r"must begin with one of anthropic:, bedrock:, vertex:, openai:, azure:, ollama: as in openai:gpt-5$",
        ),
        ("opnai:gpt-5", r"did you mean 'openai:gpt-5'\?"),
        ("openai:", "the name of the model is missing, as in openai:NAME"),
        ("", "must begin with"),
        (":gpt-5", "must begin with"),
    ],
)
def test_what_is_no_text_of_a_model(model: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        create_agent(model, api_key=KEY)


def test_what_is_no_text() -> None:
    with pytest.raises(TypeError, match="model=3: give a text, such as 'openai:gpt-5'"):
        ANY(3)


def test_no_error_has_the_key() -> None:
    for model, options in (
        ("opnai:gpt-5", {}),
        ("openai:gpt-5", {"no_such_option": 1}),
        ("openai:gpt-5", {"api": "completions"}),
        ("azure:gpt-5", {"tools": 1}),
        ("vertex:claude", {"max_turns": 0}),
    ):
        with pytest.raises((TypeError, ValueError)) as caught:
            ANY(model, api_key=KEY, default_headers={"X-Key": KEY}, extra_headers={"X-Key": KEY}, **options)
        assert not places_of(KEY, caught.value)


async def error_of(model: str) -> LanguageModelError:
    async with MiniAgents():
        with pytest.raises(LanguageModelError) as caught:
            await create_agent(model).inquire("Hi")
    return caught.value


@pytest.mark.parametrize(
    ("model", "environment", "cls", "says"),
    [
        ("openai:m", {}, MissingKeyError, "set OPENAI_API_KEY"),
        ("anthropic:m", {}, MissingKeyError, "set ANTHROPIC_API_KEY"),
        ("azure:m", {}, ModelSetupError, "set AZURE_OPENAI_ENDPOINT, or give base_url="),
        ("azure:m", {"AZURE_OPENAI_ENDPOINT": "http://x"}, ModelSetupError, "set OPENAI_API_VERSION"),
        (
            "azure:m",
            {"AZURE_OPENAI_ENDPOINT": "http://x", "OPENAI_API_VERSION": "1"},
            MissingKeyError,
            "set AZURE_OPENAI_API_KEY",
        ),
        ("ollama:m", {"OLLAMA_HOST": "http://[::"}, ModelSetupError, "OLLAMA_HOST='http://\\[::' is no address"),
        ("vertex:m", {}, ModelSetupError, "set ANTHROPIC_VERTEX_PROJECT_ID"),
        ("vertex:m", {"ANTHROPIC_VERTEX_PROJECT_ID": "x"}, ModelSetupError, "set CLOUD_ML_REGION"),
    ],
)
async def test_the_error_says_what_to_set(
    model: str, environment: Mapping[str, str], cls: type[Exception], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    error = await error_of(model)
    with pytest.raises(cls, match=says):
        raise error


@pytest.mark.parametrize(
    ("model", "missing", "install"),
    [
        ("openai:m", "openai", "openai"),
        ("azure:m", "openai", "openai"),
        ("anthropic:m", "anthropic", "anthropic"),
        ("bedrock:m", "botocore", "bedrock"),
        ("vertex:m", "google.auth", "vertex"),
        ("vertex:m", "google", "vertex"),
    ],
)
async def test_what_is_not_installed_is_said_before_a_request(
    model: str, missing: str, install: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AZURE_OPENAI_ENDPOINT", "CLOUD_ML_REGION", "ANTHROPIC_VERTEX_PROJECT_ID", "AWS_REGION"):
        monkeypatch.setenv(name, "x")

    class Hides:
        def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
            if name == missing:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    for name in [each for each in sys.modules if f"{each}.".startswith(f"{missing}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Hides(), *sys.meta_path])
    error = await error_of(model)
    assert isinstance(error, MissingSDKError)
    assert f"pip install 'miniagents[{install}]'" in str(error)


async def test_bedrock_without_a_region_says_so() -> None:
    pytest.importorskip("botocore", reason="it is of the extra `bedrock`")
    assert "set AWS_REGION" in str(await error_of("bedrock:m"))


@pytest.mark.parametrize(
    ("model", "reply", "path", "environment"),
    [
        ("ollama:m", openai_chat("Yes."), "/v1/chat/completions", {"OLLAMA_HOST": "URL"}),
        (
            "azure:m",
            openai_chat("Yes."),
            "/openai/deployments/m/chat/completions?api-version=2024-10-21",
            {"AZURE_OPENAI_ENDPOINT": "URL", "AZURE_OPENAI_API_KEY": KEY, "OPENAI_API_VERSION": "2024-10-21"},
        ),
        ("openai:m", openai_chat("Yes."), "/v1/chat/completions", {"OPENAI_BASE_URL": "URL/v1", "OPENAI_API_KEY": KEY}),
        (
            "anthropic:m",
            anthropic_messages("Yes."),
            "/v1/messages",
            {"ANTHROPIC_BASE_URL": "URL", "ANTHROPIC_API_KEY": KEY},
        ),
    ],
)
async def test_addresses_and_keys_come_from_the_environment(
    model: str, reply: Reply, path: str, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ModelServer(reply) as server:
        for name, value in environment.items():
            monkeypatch.setenv(name, value.replace("URL", server.url))
        async with MiniAgents():
            agent = create_agent(model)
            assert str(await agent.inquire("Hi").only()) == "Yes."
        assert server.requests[0].path == path
        if model != "ollama:m":
            assert KEY in str(dict(server.requests[0].headers))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        (None, "http://127.0.0.1:11434/v1"),
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        ("box:8080", "http://box:8080/v1"),
        ("https://box", "https://box/v1"),
        ("http://box/of/mine/", "http://box/of/mine/v1"),
        ("[::1]:5", "http://[::1]:5/v1"),
    ],
)
async def test_ollama_is_where_its_own_programs_look_for_it(
    host: str | None, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if host is not None:
        monkeypatch.setenv("OLLAMA_HOST", host)
    async with Providers()["ollama"].client() as client:
        assert str(client.base_url).rstrip("/") == address
    assert create_agent("ollama:m").identity.details["base_url"] == address


async def test_models_of_two_providers_are_not_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who keeps answers keeps them by the identity of the model."""
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://mine.openai.azure.com")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    for names in (("openai", "azure", "ollama"), ("anthropic", "bedrock")):
        identities = [create_agent(f"{name}:m").identity for name in names]
        assert len(set(identities)) == len(names)


# --- providers of others ---


def answering(text: str) -> Provider:
    """A provider whose models are those of a server of the test."""

    def create(model: str, **given: Any) -> Any:  # Any: of the test
        return ANY(f"openai:{text}-{model}", **given)

    def client(_: ClientSettings) -> object:
        raise AssertionError("it is not asked")

    return Provider(create_agent=create, make_client=client)


def test_providers_are_a_value() -> None:
    mine = answering("mine")
    ours = Providers({"mine": mine, "openai": mine})
    assert list(ours) == ["mine", "openai", "anthropic", "bedrock", "vertex", "azure", "ollama"]
    assert len(ours) == 7
    assert ours["openai"] is mine
    assert "mine" not in Providers()
    assert Providers()["openai"] is not mine
    assert create_agent("mine:small", providers=ours).alias == "mine-small"
    assert create_agent("mine:small", providers={"mine": mine}).alias == "mine-small"
    with pytest.raises(ValueError, match="must begin with one of mine: as in mine:NAME"):
        create_agent("openai:small", providers={"mine": mine})
    with pytest.raises(KeyError, match="other"):
        ours["other"]
    assert repr(Providers({"mine": mine})).startswith("Providers(mine, anthropic")


OFFERED: Final = """
from miniagents.ext.llm import create_agent
from miniagents.ext.llm.providers import Provider


def create(model, **given):
    return create_agent(f"openai:{model}", alias="offered", **given)


OFFERED = Provider(create_agent=create, make_client=None)
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package that offers providers."""
    (tmp_path / "offering_providers.py").write_text(OFFERED)
    facts = tmp_path / "offering_providers-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: offering-providers\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[miniagents.providers]\noffered = offering_providers:OFFERED\nopenai = offering_providers:OFFERED\n"
        "wrong = offering_providers:create\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield tmp_path
    sys.modules.pop("offering_providers", None)


@pytest.mark.usefixtures("installed")
def test_an_installed_package_offers_a_provider() -> None:
    assert "offering_providers" not in sys.modules
    assert list(Providers())[-2:] == ["offered", "wrong"]
    assert create_agent("openai:gpt-5").alias == "gpt-5", "it takes the place of no other"
    assert "offering_providers" not in sys.modules
    assert create_agent("offered:gpt-5").alias == "offered"
    with pytest.raises(TypeError, match="offering_providers:create is no Provider: <function"):
        create_agent("wrong:gpt-5")


def test_what_is_no_provider_or_no_name_of_one_is_refused_where_it_is_given() -> None:
    wrong: Any = create_agent  # Any: the checkers refuse it
    with pytest.raises(
        TypeError, match=r"^Providers: 'echo': <function .* is no Provider; write Provider\(create_agent="
    ):
        Providers({"echo": wrong})
    with pytest.raises(
        TypeError, match=r"^providers: 'echo': <function .* is no Provider; write Provider\(create_agent="
    ):
        create_agent("echo:x", providers={"echo": wrong})
    with pytest.raises(ValueError, match=r"^Providers: the name 'openai:' has a colon"):
        Providers({"openai:": Providers()["openai"]})


async def test_an_agent_by_name_is_like_any_other() -> None:
    class City(Message, frozen=True, kw_only=True):
        name: str

    async with ModelServer(Saying(answer('{"name": "Kiel"}'))) as server, MiniAgents():
        agent = create_agent("openai:m", base_url=server.openai_url, api_key=KEY, reply_type=City, system="Be brief.")
        assert await agent.inquire("Where?").only() == City(name="Kiel")
    provider, name = provider_of("openai:m", Providers())
    assert (provider.key_variable, name) == ("OPENAI_API_KEY", "m")

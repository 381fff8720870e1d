"""Addresses of servers: a wrong one is told when the agent is made, and errors name the server that was asked."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from miniagents import MiniAgents
from miniagents.ext.llm import (
    ModelConnectionError,
    create_agent,
    create_anthropic_agent,
    create_openai_agent,
    create_openai_embedding_agent,
)
from tests.ext.llm.agents import answer_of
from tests.ext.llm.answers import answer
from tests.ext.llm.model_server import ModelServer, unreachable_url
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES, script_for


def create_ollama_agent(model: str, **given: object) -> Any:  # Any: of any model
    make: Any = create_agent  # Any: its overloads
    return make(f"ollama:{model}", **given)


MAKERS: Final[dict[str, Callable[..., Any]]] = {  # Any: agents of all kinds
    "create_openai_agent": create_openai_agent,
    "create_anthropic_agent": create_anthropic_agent,
    "create_openai_embedding_agent": create_openai_embedding_agent,
    "create_agent": create_ollama_agent,
}
FORM: Final = "write one such as 'http://localhost:11434/v1'"
WRONG: Final = [
    ("localhost:11434/v1", f"the address does not begin with http:// or https://; {FORM}"),
    ("localhost", f"the address does not begin with http:// or https://; {FORM}"),
    ("api.openai.com/v1", f"the address does not begin with http:// or https://; {FORM}"),
    ("htp://localhost/v1", f"the address does not begin with http:// or https://; {FORM}"),
    ("file:///v1", f"the address does not begin with http:// or https://; {FORM}"),
    ("http:/localhost/v1", f"the address does not begin with http:// or https://; {FORM}"),
    (" http://localhost/v1", "the address has white space in it; leave it out"),
    ("http://local host/v1", "the address has white space in it; leave it out"),
    ("http://localhost/v1\n", "the address has white space in it; leave it out"),
    ("http:///v1", f"the address names no server; {FORM}"),
    ("http://localhost:port/v1", f"the address has a wrong host or port; {FORM}"),
    ("http://localhost:99999/v1", f"the address has a wrong host or port; {FORM}"),
    ("http://[::1/v1", f"the address has a wrong host or port; {FORM}"),
    ("", "the address is empty; give one such as 'http://localhost:11434/v1'"),
    ("http://x/v1/chat/completions", "leave out /chat/completions at the end of the address: the client adds it"),
    ("http://x/v1/chat/completions/", "leave out /chat/completions at the end of the address: the client adds it"),
    ("http://x/v1/responses", "leave out /responses at the end of the address: the client adds it"),
    ("http://x/v1/embeddings?a=b", "leave out /embeddings at the end of the address: the client adds it"),
    ("https://x/v1/messages", "leave out /v1/messages at the end of the address: the client adds it"),
]


@pytest.mark.parametrize(("address", "said"), WRONG)
@pytest.mark.parametrize("name", MAKERS)
def test_a_wrong_address_is_refused_where_it_is_given(name: str, address: str, said: str) -> None:
    with pytest.raises(ValueError, match="base_url") as caught:
        MAKERS[name]("m", base_url=address, api_key="x")
    assert str(caught.value) == f"{name}: base_url: {said}"


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("wrong", [5, b"http://localhost/v1", ["http://localhost/v1"]])
def test_an_address_is_a_text(name: str, wrong: object) -> None:
    with pytest.raises(TypeError, match=f"^{name}: base_url: give a text such as .*, not {type(wrong).__name__}$"):
        MAKERS[name]("m", base_url=wrong, api_key="x")


@pytest.mark.parametrize("address", ["HTTPS://x", "http://[::1]:1/v1/", "http://x/v1?key=y", "http://x/messages/v1"])
@pytest.mark.parametrize("name", MAKERS)
def test_other_addresses_are_taken(name: str, address: str) -> None:
    MAKERS[name]("m", base_url=address, api_key="x")


@pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
async def test_a_slash_at_the_end_changes_nothing(path: str) -> None:
    async with ModelServer(script_for(path, answer("Hi"))) as server:
        make: Any = create_anthropic_agent if path == MESSAGES else create_openai_agent  # Any: of any model
        given = {} if path == MESSAGES else {"api": "chat_completions" if path == CHAT else "responses"}
        address = f"{server.url}/" if path == MESSAGES else f"{server.url}/v1/"
        agent = make("m", base_url=address, api_key="x", max_retries=0, **given)
        assert (await answer_of(agent)).text == "Hi"


@pytest.mark.parametrize("name", MAKERS)
async def test_an_error_of_the_connection_names_the_server_that_was_asked(name: str) -> None:
    """It may be Ollama or LM Studio: the vendor whose protocol it speaks has nothing to do with it."""
    url = unreachable_url()
    agent = MAKERS[name]("m", base_url=url.replace("://", "://ada:secret@"), api_key="x", max_retries=0)
    async with MiniAgents():
        with pytest.raises(ModelConnectionError) as caught:
            await agent.inquire("Hi")
    assert str(caught.value).startswith(f"{urlsplit(url).netloc} m: the connection failed: ")

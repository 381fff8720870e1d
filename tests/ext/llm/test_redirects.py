"""A model server that redirects: no other server gets the request or the key, unless the given client follows."""

import pytest

from miniagents import MiniAgents
from miniagents.ext.llm import RequestRefusedError, create_openai_agent, create_openai_embedding_agent
from tests.ext.llm.agents import answer_of, each_path, streamed_or_not
from tests.ext.llm.answers import answer
from tests.ext.llm.clients import openai_client
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.protocols import Response
from tests.ext.llm.replies import CHAT, script_for
from tests.ext.llm.test_secrets import keyed_agent


def redirect(to: str, status: int = 307) -> Response:
    return Response(status=status, headers=(("location", to),), length=0)


@each_path
@streamed_or_not
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_error_that_names_the_place(path: str, stream: bool, status: int) -> None:
    async with ModelServer() as other, ModelServer(redirect(f"{other.url}{path}", status)) as server:
        with pytest.raises(RequestRefusedError) as caught:
            await answer_of(keyed_agent(path, server.url, stream=stream, max_retries=2))
        assert (other.requests, len(server.requests), caught.value.status) == ([], 1, status)
        place = f"the server redirects to '{other.url}{path}', which is not followed: give its base_url=..."
        assert str(caught.value).endswith(f"(HTTP {status}): {place}")


async def test_embeddings_follow_no_redirect() -> None:
    async with ModelServer() as other, ModelServer(redirect(other.url)) as server, MiniAgents():
        agent = create_openai_embedding_agent("m", api_key="sk-of-the-tests", base_url=server.openai_url)
        with pytest.raises(RequestRefusedError, match="which is not followed"):
            await agent.inquire("Hi")
        assert not other.requests


async def test_a_client_that_is_told_to_follow_does() -> None:
    async with (
        ModelServer(script_for(CHAT, answer("Hi"))) as other,
        ModelServer(redirect(f"{other.url}{CHAT}")) as server,
    ):
        agent = create_openai_agent("m", client=lambda: openai_client(server))  # the SDK's own clients follow
        assert str(await answer_of(agent)) == "Hi"
        assert "authorization" not in other.requests[0].headers

"""All options of the APIs are there, and what is none is refused where it is given."""

import inspect
from collections.abc import Callable
from typing import Any, Final

import pytest
from anthropic.resources.messages import AsyncMessages
from openai.resources.chat.completions import AsyncCompletions
from openai.resources.responses import AsyncResponses

from miniagents import Message, MiniAgents, tool
from miniagents.ext.llm import create_anthropic_agent, create_openai_agent
from miniagents.ext.llm._options import LIBRARY_OPTIONS
from miniagents.ext.llm.anthropic.options import WITHDRAWN_FROM_MESSAGES, MessagesOptions
from miniagents.ext.llm.openai.options import (
    WITHDRAWN_FROM_CHAT,
    WITHDRAWN_FROM_RESPONSES,
    ChatOptions,
    ResponsesOptions,
)

GIVEN_BY_THE_LIBRARY: Final = {"self", "model", "messages", "input", "instructions", "system", "stream", "tools"}
chat: Final[Callable[..., Any]] = create_openai_agent
claude: Final[Callable[..., Any]] = create_anthropic_agent


@tool
def weather(city: str) -> str:
    return f"It rains in {city}."


@pytest.mark.parametrize(
    ("method", "options", "withdrawn"),
    [
        (AsyncCompletions.create, ChatOptions, WITHDRAWN_FROM_CHAT),
        (AsyncResponses.create, ResponsesOptions, WITHDRAWN_FROM_RESPONSES),
        (AsyncMessages.create, MessagesOptions, WITHDRAWN_FROM_MESSAGES),
    ],
)
def test_the_options_are_the_parameters_of_the_sdk(
    method: Callable[..., object], options: type, withdrawn: dict[str, str]
) -> None:
    """A new version of an SDK with another parameter fails here."""
    names: frozenset[str] = getattr(options, "__optional_keys__")  # noqa: B009 - checkers do not know it
    parameters = set(inspect.signature(inspect.unwrap(method)).parameters)
    assert parameters - GIVEN_BY_THE_LIBRARY - withdrawn.keys() == names - LIBRARY_OPTIONS
    assert not withdrawn.keys() & names


@pytest.mark.parametrize(
    ("make", "given", "said"),
    [
        (chat, {"temprature": 0}, "OpenAI's chat completions API takes no 'temprature'; did you mean 'temperature'?"),
        (
            chat,
            {"functions": []},
            "OpenAI's chat completions API takes no 'functions': OpenAI has replaced them by `tools`",
        ),
        (chat, {"zzz": 1}, "OpenAI's chat completions API takes no 'zzz'. It takes: audio, deps, extra_body, "),
        (
            chat,
            {"api": "responses", "max_tokens": 1},
            "responses API takes no 'max_tokens': here it is called `max_output_",
        ),
        (
            claude,
            {"temperature": 0},
            "Anthropic's messages API takes no 'temperature': Anthropic has withdrawn it; steer",
        ),
        (claude, {"top_p": 0.5}, "Anthropic's messages API takes no 'top_p': Anthropic has withdrawn it"),
        (claude, {"stop": "x"}, "Anthropic's messages API takes no 'stop': here it is called `stop_sequences`"),
    ],
)
def test_an_option_that_is_none_is_refused_where_the_agent_is_made(
    make: Callable[..., object], given: dict[str, Any], said: str
) -> None:
    with pytest.raises(TypeError) as caught:
        make("m", **given)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{getattr(make, '__name__', '')}: ")


@pytest.mark.parametrize("make", [chat, claude])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"system": 3}, "system=3: give a text"),
        ({"system": Message("Be brief.")}, "system=Message(text='Be brief.'): give a text"),
        ({"stream": "no"}, "stream='no': give True or False"),
        ({"tools": 3}, "tools=3: give a list of tools"),
        ({"tools": weather}, f"tools={weather!r}: give a list of tools"),
    ],
)
def test_a_value_that_would_be_passed_over_is_refused(
    make: Callable[..., object], given: dict[str, Any], said: str
) -> None:
    with pytest.raises(TypeError) as caught:
        make("m", **given)
    assert str(caught.value) == f"{getattr(make, '__name__', '')}: {said}"


async def test_an_option_that_is_none_is_refused_where_the_agent_is_asked() -> None:
    agent: Any = create_anthropic_agent("claude-test")
    async with MiniAgents():
        with pytest.raises(TypeError, match="^agent 'claude-test': Anthropic's messages API takes no 'temperature'"):
            agent.inquire("Hi", temperature=0)
        with pytest.raises(TypeError, match="^agent 'claude-test': too many positional arguments$"):
            agent.inquire("Hi", 0)
    with pytest.raises(TypeError, match="takes no 'seed'"):
        agent.bound(seed=1)


def test_an_unknown_api_is_refused() -> None:
    with pytest.raises(
        ValueError, match="^create_openai_agent: api='assistants': give 'chat_completions' or 'responses'$"
    ):
        chat("m", api="assistants")


def test_agents_are_known_by_their_models() -> None:
    agent = create_openai_agent("gpt-test")
    assert (agent.alias, agent.description) == ("gpt-test", "The language model gpt-test.")
    other = create_anthropic_agent("claude-test", alias="judge", description="Judges.")
    assert (other.alias, other.description) == ("judge", "Judges.")
    assert repr(other) == "<MiniAgent 'judge'>"

"""All options of the APIs are there, and what is none is refused where it is given."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType, UnionType
from typing import Any, Final, Literal, Required, Union, get_args, get_origin, get_type_hints

import pytest
from anthropic.resources.messages import AsyncMessages
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from openai.resources.chat.completions import AsyncCompletions
from openai.resources.responses import AsyncResponses
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from typing_extensions import is_typeddict

from miniagents import Message, MiniAgents, tool
from miniagents.ext.llm import create_anthropic_agent, create_openai_agent
from miniagents.ext.llm._options import GIVEN_ELSEWHERE, LIBRARY_OPTIONS
from miniagents.ext.llm.anthropic import _parameters as anthropic_parameters
from miniagents.ext.llm.anthropic.options import WITHDRAWN_FROM_MESSAGES, MessagesOptions
from miniagents.ext.llm.openai import _parameters as openai_parameters
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
    given_otherwise = GIVEN_BY_THE_LIBRARY | withdrawn.keys() | GIVEN_ELSEWHERE.keys()
    assert parameters - given_otherwise == names - LIBRARY_OPTIONS
    assert not withdrawn.keys() & names


def parameters_of(sdk: object) -> dict[str, object]:
    return {name: shape_of(hint) for name, hint in get_type_hints(sdk, include_extras=True).items()}


def shape_of(hint: Any) -> object:  # Any: the form of a type
    """What a type takes, whatever it is called: TypedDicts are compared by their keys, unions by their members."""
    origin, arguments = get_origin(hint), get_args(hint)
    if is_typeddict(hint):
        keys = get_type_hints(hint, include_extras=True)
        required: frozenset[str] = hint.__required_keys__
        return frozenset((key, key in required or get_origin(of) is Required, shape_of(of)) for key, of in keys.items())
    if origin is Required:
        return shape_of(arguments[0])
    if origin in (Union, UnionType):
        shapes = frozenset(map(shape_of, arguments))
        # a literal text says no more than that a text is taken
        texts = {shape_of(each) for each in arguments if get_origin(each) is Literal and str in shapes}
        members = shapes - texts
        return members if len(members) > 1 else next(iter(members))
    return (
        ("a literal", *sorted(arguments))
        if origin is Literal
        else (origin, *map(shape_of, arguments))
        if origin
        else hint
    )


@pytest.mark.parametrize(
    ("method", "options", "names"),
    [
        (CompletionCreateParamsNonStreaming, ChatOptions, openai_parameters),
        (ResponseCreateParamsNonStreaming, ResponsesOptions, openai_parameters),
        (MessageCreateParamsNonStreaming, MessagesOptions, anthropic_parameters),
    ],
)
def test_the_options_have_the_types_of_the_sdk(method: type, options: type, names: ModuleType) -> None:
    """A new version of an SDK with another type of a parameter fails here."""
    of_sdk = parameters_of(method)
    known = {"parameters": names, "Sequence": Sequence, "Iterable": Iterable, "Mapping": Mapping}
    hints = get_type_hints(options, localns=known, include_extras=True)
    compared = hints.keys() - {"system", "stream", "timeout"} & of_sdk.keys()
    assert len(compared) > 10
    assert {name: shape_of(hints[name]) for name in compared} == {name: of_sdk[name] for name in compared}


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

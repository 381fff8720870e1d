"""Providers of language models that are used or written wrongly."""

from miniagents import Message, ReasoningDelta
from miniagents.ext.llm import Provider, Providers, create_agent
from miniagents.ext.llm.providers import (
    ConversationRules,
    Finished,
    ModelAgent,
    OptionRules,
    error_of_response,
    missing_key,
    provider_of,
    raw_piece,
)
from miniagents.testing.provider_contract import ModelAnswer, ModelFailure, ProviderContract


def by_name(mine: Provider) -> None:
    create_agent()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    create_agent(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    create_agent("x:y", tools=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    create_agent("x:y", providers=[mine])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    Provider(key_variable="X")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Providers([mine])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mine.client("key")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    provider_of("x:y")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def writing() -> None:
    ConversationRules(True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    OptionRules()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Finished("done")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    raw_piece(Message, "x")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    raw_piece(ReasoningDelta)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    error_of_response("429", {})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    missing_key("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ModelAgent[Message].of_model("x", "y")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def testing() -> None:
    ProviderContract()  # type: ignore[abstract]  # pyright: ignore[reportAbstractUsage]
    ModelAnswer("x")  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    ModelAnswer(text=("x",), ends="early")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ModelFailure()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

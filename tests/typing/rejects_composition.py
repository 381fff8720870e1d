"""What the type checkers must refuse: agents made of agents.

Checked, not run. Each line that is wrong says to both checkers that it is; one that becomes valid is then refused as a
needless comment.
"""

from __future__ import annotations

from typing_extensions import TypeVar

from miniagents import (
    AssistantMessage,
    Case,
    Conversation,
    InteractionContext,
    Message,
    MiniAgent,
    NoRouteError,
    OpenQuestion,
    Person,
    Speaker,
    SystemMessage,
    TooManyRoundsError,
    UserMessage,
    case,
    chain,
    first_to_reply,
    loop,
    map_agent,
    miniagent,
    parallel,
    route,
)
from miniagents.histories import estimated_tokens, summarised, trim


class Draft(Message, frozen=True): ...


class Review(Message, frozen=True): ...


@miniagent
async def write(_: InteractionContext[UserMessage, Draft]) -> None: ...


@miniagent
async def review(_: InteractionContext[Draft, Review]) -> None: ...


@miniagent
async def answer(_: InteractionContext[UserMessage, AssistantMessage]) -> None: ...


@miniagent
async def instruct(_: InteractionContext[SystemMessage, Draft]) -> None: ...


@miniagent
async def echo(_: InteractionContext) -> None: ...


@miniagent
async def tuned(_: InteractionContext[UserMessage, Draft], temperature: float) -> None: ...


@miniagent
async def improve(_: InteractionContext[Draft, Draft]) -> None: ...


@miniagent
async def either(_: InteractionContext[UserMessage, Draft | Review]) -> None: ...


def one_after_the_other() -> None:
    review >> write  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
    write >> answer  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
    echo >> review  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
    either >> review  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
    write >> review >> answer  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
    write >> (review >> review)  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
    tuned >> review  # type: ignore[misc]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
    instruct >> tuned  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
    write >> 3  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
    3 >> write  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
    write >> "x"  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
    chain(write, answer)  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    chain(write, review, answer)  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    chain(tuned, review)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    chain(write, tuned)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    chain(write, 3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    chain([write, review])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    chain(improve, improve, improve, improve, improve, improve, improve, write)  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    (write >> review).inquire(Draft("x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    (write >> review).inquire("x", 0.3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    (write >> review).bound(0.3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    _gives: MiniAgent[UserMessage, Draft, []] = write >> review  # type: ignore[operator]  # pyright: ignore[reportAssignmentType]
    _takes: MiniAgent[Message, Review, []] = write >> review  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


In = TypeVar("In", bound=Message)
Mid = TypeVar("Mid", bound=Message)
Out = TypeVar("Out", bound=Message)


def generic(a: MiniAgent[In, Mid, []], b: MiniAgent[Mid, Out, []], c: MiniAgent[In, Out, []]) -> None:
    chain(a, c)  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    chain(a, b, a)  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    loop(a, until=bool, max_rounds=1)  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
    _gives: MiniAgent[In, Mid, []] = chain(a, b)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]


def side_by_side() -> None:
    parallel(write, instruct).inquire(UserMessage("x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue, reportUnknownMemberType]
    parallel(write, tuned)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    parallel(write, 3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    first_to_reply(write, tuned)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    first_to_reply(write, 3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    parallel([write, answer])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    parallel(write, answer, ordered="no")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    parallel(write, answer, order=False)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    parallel(write, answer).inquire(SystemMessage("x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    _gives: MiniAgent[UserMessage, Draft, []] = parallel(write, answer)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    parallel(write, answer) >> review  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]


def takes_draft(_: Draft) -> bool:
    return True


async def takes_text(_: str) -> bool:
    return True


def routes() -> None:
    case(UserMessage, review)  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    case(Message, review)  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    case(UserMessage, tuned)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    case(takes_draft, write)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    case(takes_text, write)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    case("x", write)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    case(UserMessage, 3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    case(UserMessage)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    case(accepts=UserMessage, agent=write)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    route(write)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    route(UserMessage, write)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    route((UserMessage, write))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    route(case(UserMessage, write), otherwise=tuned)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    route(case(UserMessage, write), otherwise=case(SystemMessage, instruct))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    route(case(UserMessage, write), default=instruct)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    route(case(UserMessage, write), case(SystemMessage, instruct)).inquire(Draft("x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    _gives: MiniAgent[UserMessage, Draft, []] = route(case(UserMessage, write), case(UserMessage, answer))  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    _takes: Case[Message, Draft] = case(UserMessage, write)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    route(case(UserMessage, write)) >> answer  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]


def rounds() -> None:
    loop(write, until=bool, max_rounds=1)  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
    loop(improve, until=takes_draft, max_rounds=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    loop(improve, until=lambda drafts: drafts.nope, max_rounds=1)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownLambdaType, reportUnknownMemberType]
    loop(improve, max_rounds=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    loop(improve, until=bool)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    loop(improve, until=bool, max_rounds="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    loop(improve, bool, 3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def count(_: InteractionContext[Draft, Review], drafts: int) -> int:
    return drafts + 1


async def forgets(_: InteractionContext[Draft, Review], drafts: int) -> None: ...


def turns() -> None:
    Conversation(count, state="x")  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
    Conversation(count)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Conversation(forgets, state=0)  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
    Conversation(write, state=0)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    counting = Conversation(count, state=0)
    counting.state = 3  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    counting.inquire(UserMessage("x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    counting.inquire("x", 3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def per_message() -> None:
    map_agent(tuned)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    map_agent(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    map_agent(write, concurrency="3")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    map_agent(write, 3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    map_agent(write, settled="yes")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    _gives: MiniAgent[UserMessage, Draft, []] = map_agent(write, settled=True)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    map_agent(write).inquire(Draft("x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    map_agent(write) >> answer  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]


async def guarded() -> None:
    write.with_retry(3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    write.with_retry(attempts="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    write.with_retry(backoff=lambda failed: str(failed))  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    write.with_retry(backoff="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    write.with_retry(errors=[ValueError])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    write.with_retry(errors=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    write.with_timeout()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    write.with_timeout("3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    write.with_fallback()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    write.with_fallback(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    write.with_fallback(review)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    write.with_fallback(tuned)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    write.with_fallback(answer, "x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    write.with_fallback(answer, int)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    echo.with_fallback(answer)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    tuned.with_retry().inquire("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    tuned.with_timeout(3).inquire("x", temperature="hot")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    tuned.with_fallback(answer).inquire("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    tuned.with_retry() >> review  # type: ignore[misc]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
    _gives: MiniAgent[UserMessage, Draft, []] = write.with_fallback(answer)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]


def made_by_others() -> None:
    Case(write)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    NoRouteError("x")  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]
    TooManyRoundsError(3)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]


def settled() -> None:
    parallel(write, settled=3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    parallel(write, answer, settled=True) >> review  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
    _gives: MiniAgent[UserMessage, Draft, []] = parallel(write, settled=True)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


async def speakers() -> None:
    Speaker("writer")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Speaker(write, "x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async for promise in parallel(write, answer).inquire("x"):
        promise.by.alias  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
        promise.by = None  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def people(person: Person[Draft, Review], question: OpenQuestion[Draft, Review]) -> None:
    Person(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Person("editor", Draft)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Person("editor", takes="Draft")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    person.ask(UserMessage("x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    person.ask("x", 3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    person.inquire(UserMessage("x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    person.questions = ()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    question.answer(Draft("x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    question.answer()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    OpenQuestion("Why?")  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]
    person >> review  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
    answer >> person  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]


def repaired() -> None:
    write.with_repair()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    write.with_repair(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    write.with_repair(lambda: "x")  # type: ignore[arg-type, misc]  # pyright: ignore[reportArgumentType]
    write.with_repair(lambda error: Draft(str(error)))  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    write.with_repair(str, int)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    write.with_repair(str, attempts="3")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    write.with_repair(lambda error: error.nope, ValueError)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownLambdaType, reportUnknownMemberType]


def of_nothing() -> None:
    chain()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    parallel()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    parallel(settled=True)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    route()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    route(otherwise=write)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]


def histories(history: list[Message], writer: MiniAgent[Message, AssistantMessage, []]) -> None:
    estimated_tokens("text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    trim(history)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    trim(history, tokens="few")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    summarised(writer, tokens=99)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    summarised(writer, by="it", tokens=99)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

"""What the type checkers must take: agents made of agents. Checked, not run; see `rejects_composition.py`."""

from __future__ import annotations

from typing import assert_type

from typing_extensions import TypeIs, TypeVar

from miniagents import (
    AgentCall,
    AssistantMessage,
    Case,
    Conversation,
    ErrorMessage,
    InteractionContext,
    Message,
    MessagePromise,
    MessageSequencePromise,
    MessageType,
    MiniAgent,
    NoRouteError,
    OpenQuestion,
    Person,
    Speaker,
    SystemMessage,
    TooManyRoundsError,
    TurnFunction,
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
from miniagents.miniagents import Inquirable


class Draft(Message, frozen=True): ...


class Review(Message, frozen=True): ...


class Final(Message, frozen=True): ...


@miniagent
async def write(_: InteractionContext[UserMessage, Draft]) -> None: ...


@miniagent
async def review(_: InteractionContext[Draft, Review]) -> None: ...


@miniagent
async def finish(_: InteractionContext[Review, Final]) -> None: ...


@miniagent
async def answer(_: InteractionContext[UserMessage, AssistantMessage]) -> None: ...


@miniagent
async def instruct(_: InteractionContext[SystemMessage, Draft]) -> None: ...


@miniagent
async def echo(_: InteractionContext) -> None: ...


@miniagent
async def tunable(_: InteractionContext[Draft, Review], temperature: float = 0.5) -> None: ...


@miniagent
async def tuned(_: InteractionContext[UserMessage, Draft], temperature: float) -> None: ...


@miniagent
async def improve(_: InteractionContext[Draft, Draft]) -> None: ...


@miniagent
async def judge(_: InteractionContext[Draft | Review, Review]) -> None: ...


class Remote:
    """Whatever can be asked can be composed."""

    def inquire(self, messages: MessageType[Draft] | None = None, /) -> MessageSequencePromise[Review]:
        return review.inquire(messages)


def one_after_the_other() -> None:
    assert_type(write >> review, MiniAgent[UserMessage, Review, []])
    assert_type(write >> review >> finish, MiniAgent[UserMessage, Final, []])
    assert_type(write >> (review >> finish), MiniAgent[UserMessage, Final, []])
    assert_type(echo >> echo, MiniAgent[Message, Message, []])
    assert_type(write >> judge, MiniAgent[UserMessage, Review, []])
    assert_type(write >> echo, MiniAgent[UserMessage, Message, []])
    # parameters that have defaults are no obstacle on either side
    assert_type(write >> tunable, MiniAgent[UserMessage, Review, []])
    assert_type(tunable >> finish, MiniAgent[Draft, Final, []])
    assert_type(tuned.bound(0.3) >> tunable.bound(temperature=0.1), MiniAgent[UserMessage, Review, []])
    assert_type(write >> Remote(), MiniAgent[UserMessage, Review, []])
    assert_type(chain(write), MiniAgent[UserMessage, Draft, []])
    assert_type(chain(Remote(), finish), MiniAgent[Draft, Final, []])
    assert_type(chain(write, tunable, finish), MiniAgent[UserMessage, Final, []])
    eight = chain(write, improve, improve, improve, improve, improve, review, finish)
    assert_type(eight, MiniAgent[UserMessage, Final, []])
    assert_type(chain(*[improve] * 1_000), MiniAgent[Draft, Draft, []])


In = TypeVar("In", bound=Message)
Mid = TypeVar("Mid", bound=Message)
Out = TypeVar("Out", bound=Message)
End = TypeVar("End", bound=Message)


def generic_chains(
    a: MiniAgent[In, Mid, []], b: MiniAgent[Mid, Out, []], c: MiniAgent[Out, End, []], same: list[MiniAgent[In, In, []]]
) -> None:
    assert_type(a >> b >> c, MiniAgent[In, End, []])
    assert_type(chain(a, b, c), MiniAgent[In, End, []])
    assert_type(chain(*same), MiniAgent[In, In, []])


def generic_compositions(
    kind: type[In], a: MiniAgent[In, Mid, []], b: MiniAgent[In, Out, []], c: MiniAgent[Mid, Out, []]
) -> None:
    assert_type(parallel(a, b), MiniAgent[In, Mid | Out, []])
    assert_type(first_to_reply(a, b), MiniAgent[In, Mid | Out, []])
    assert_type(map_agent(a), MiniAgent[In, Mid, []])
    assert_type(a.with_fallback(b), MiniAgent[In, Mid | Out, []])
    assert_type(case(kind, a), Case[In, Mid])
    assert_type(route(case(kind, a), otherwise=c), MiniAgent[In | Mid, Mid | Out, []])


def calls() -> None:
    pipeline = write >> review
    assert_type(pipeline.inquire("x"), MessageSequencePromise[Review])
    assert_type(pipeline.initiate_inquiry(), AgentCall[UserMessage, Review])
    assert_type(pipeline.options(alias="p", start_asap=False), MiniAgent[UserMessage, Review, []])
    assert_type(pipeline.bound(), MiniAgent[UserMessage, Review, []])
    _asked: Inquirable[UserMessage, Review] = pipeline


def side_by_side(agents: list[MiniAgent[UserMessage, Draft, []]]) -> None:
    assert_type(parallel(write), MiniAgent[UserMessage, Draft, []])
    assert_type(parallel(write, answer), MiniAgent[UserMessage, Draft | AssistantMessage, []])
    assert_type(parallel(write, answer, ordered=False), MiniAgent[UserMessage, Draft | AssistantMessage, []])
    # what all of them take
    assert_type(parallel(write, echo), MiniAgent[UserMessage, Draft | Message, []])
    assert_type(parallel(judge, review, tunable), MiniAgent[Draft, Review, []])
    assert_type(
        parallel(write, write, write, write, write, write, write, answer),
        MiniAgent[UserMessage, Draft | AssistantMessage, []],
    )
    assert_type(parallel(*agents), MiniAgent[UserMessage, Draft, []])
    assert_type(parallel(write, settled=True), MiniAgent[UserMessage, Draft | ErrorMessage, []])
    assert_type(
        parallel(write, answer, ordered=False, settled=True),
        MiniAgent[UserMessage, Draft | AssistantMessage | ErrorMessage, []],
    )
    assert_type(parallel(*agents, settled=True), MiniAgent[UserMessage, Draft | ErrorMessage, []])
    assert_type(parallel(write, answer, settled=False), MiniAgent[UserMessage, Draft | AssistantMessage, []])
    assert_type(first_to_reply(write), MiniAgent[UserMessage, Draft, []])
    assert_type(first_to_reply(write, answer), MiniAgent[UserMessage, Draft | AssistantMessage, []])
    assert_type(first_to_reply(judge, review, tunable), MiniAgent[Draft, Review, []])
    assert_type(
        first_to_reply(write, write, write, write, write, write, write, answer),
        MiniAgent[UserMessage, Draft | AssistantMessage, []],
    )
    assert_type(first_to_reply(*agents), MiniAgent[UserMessage, Draft, []])
    assert_type(parallel(write, answer) >> echo, MiniAgent[UserMessage, Message, []])


async def speakers() -> None:
    async for promise in parallel(write, answer).inquire("x"):
        assert_type(promise.by, Speaker | None)
        if promise.by is not None:
            assert_type(promise.by.alias, str)
            assert_type(promise.by.answers, MessagePromise[Message] | None)
            assert_type(promise.by.quotes, Speaker | None)
            assert_type(promise.by.agent.inquire("and?"), MessageSequencePromise[Message])
    assert_type(Speaker(write, quotes=Speaker(Remote())), Speaker)


async def people(person: Person[Draft, Review]) -> None:
    assert_type(Person(), Person[Message, Message])
    assert_type(Person("editor", takes=Draft, gives=Review), Person[Draft, Review])
    assert_type(person.alias, str)
    assert_type(person.ask(["x", Draft("y")]), MessagePromise[Review])
    assert_type(person.inquire("x"), MessageSequencePromise[Review])
    assert_type(person.questions, tuple[OpenQuestion[Draft, Review], ...])
    question = await person.next_question()
    assert_type(question.messages, MessageSequencePromise[Draft])
    assert_type(question.person, Person[Draft, Review])
    question.answer("x")
    question.answer([Review("x"), ValueError("no")])
    assert_type(write >> person >> finish, MiniAgent[UserMessage, Final, []])
    assert_type(parallel(review, person), MiniAgent[Draft, Review, []])


def is_long(message: Message) -> bool:
    return len(message.text or "") > 100


def is_draft(message: Message) -> TypeIs[Draft]:
    return isinstance(message, Draft)


def routes(cases: list[Case[UserMessage, Draft]]) -> None:
    assert_type(case(UserMessage, write), Case[UserMessage, Draft])
    assert_type(case(UserMessage, echo), Case[UserMessage, Message])
    assert_type(case(is_long, write), Case[UserMessage, Draft])
    assert_type(case(is_draft, review), Case[Draft, Review])
    assert_type(case(is_draft, echo), Case[Message, Message])
    assert_type(route(case(UserMessage, write)), MiniAgent[UserMessage, Draft, []])
    assert_type(
        route(case(UserMessage, answer), case(SystemMessage, instruct)),
        MiniAgent[UserMessage | SystemMessage, AssistantMessage | Draft, []],
    )
    assert_type(
        route(case(UserMessage, answer), case(is_draft, review), otherwise=instruct),
        MiniAgent[UserMessage | Draft | SystemMessage, AssistantMessage | Review | Draft, []],
    )
    assert_type(route(case(lambda message: bool(message.text), write)), MiniAgent[UserMessage, Draft, []])
    assert_type(
        route(*[case(UserMessage, write)] * 3, otherwise=instruct), MiniAgent[UserMessage | SystemMessage, Draft, []]
    )
    assert_type(route(*cases), MiniAgent[UserMessage, Draft, []])
    route(case(UserMessage, answer), case(SystemMessage, instruct)).inquire([UserMessage("x"), SystemMessage("y")])


def rounds() -> None:
    assert_type(loop(improve, until=lambda drafts: len(drafts) > 1, max_rounds=3), MiniAgent[Draft, Draft, []])
    assert_type(
        loop(improve, until=lambda drafts: bool(assert_type(drafts, tuple[Draft, ...])), max_rounds=3),
        MiniAgent[Draft, Draft, []],
    )
    assert_type(loop(echo, until=any, max_rounds=1), MiniAgent[Message, Message, []])
    assert_type(
        loop(improve, until=any, max_rounds=1, keep_question=True, every_round=True), MiniAgent[Draft, Draft, []]
    )


async def count(_: InteractionContext[Draft, Review], drafts: int) -> int:
    return drafts + 1


async def gather(ctx: InteractionContext[UserMessage, Draft], seen: tuple[str, ...]) -> tuple[str, ...]:
    return (*seen, *map(str, await ctx.messages))


def turns() -> None:
    counting = Conversation(count, state=0, alias="counting")
    assert_type(counting, Conversation[Draft, Review, int])
    assert_type(counting.state, int)
    assert_type(counting.alias, str)
    assert_type(counting.inquire(["x", Draft("y")]), MessageSequencePromise[Review])
    assert_type(chain(Conversation(gather, state=()), counting), MiniAgent[UserMessage, Review, []])
    _turn: TurnFunction[Draft, Review, int] = count
    _asked: Inquirable[Draft, Review] = counting


def per_message() -> None:
    assert_type(map_agent(write), MiniAgent[UserMessage, Draft, []])
    assert_type(map_agent(tunable, concurrency=3, ordered=False), MiniAgent[Draft, Review, []])
    assert_type(write >> map_agent(review, concurrency=None), MiniAgent[UserMessage, Review, []])
    assert_type(map_agent(review, concurrency=2, settled=True), MiniAgent[Draft, Review | ErrorMessage, []])


def in_words(error: ValueError) -> str:
    return str(error)


def repaired() -> None:
    assert_type(write.with_repair(lambda error: f"wrong: {error}"), MiniAgent[UserMessage, Draft, []])
    assert_type(write.with_repair(in_words, ValueError, attempts=2), MiniAgent[UserMessage, Draft, []])
    assert_type(review.with_repair(lambda error: Draft(str(error)), OSError, KeyError), MiniAgent[Draft, Review, []])
    tuned.with_repair(str).inquire("x", temperature=0.5)


async def guarded(takes_less: MiniAgent[UserMessage, Message, []]) -> None:
    assert_type(write.with_retry(), MiniAgent[UserMessage, Draft, []])
    assert_type(write.with_retry(attempts=5, backoff=0.5, errors=OSError), MiniAgent[UserMessage, Draft, []])
    write.with_retry(backoff=lambda failed: 2**failed, errors=(OSError, TimeoutError))
    assert_type(write.with_timeout(3), MiniAgent[UserMessage, Draft, []])
    # parameters stay
    assert_type(tuned.with_retry().inquire("x", temperature=0.3), MessageSequencePromise[Draft])
    assert_type(tuned.with_timeout(3.5).bound(0.3), MiniAgent[UserMessage, Draft, []])
    assert_type(tuned.with_retry().with_timeout(3).inquire("x", 0.3), MessageSequencePromise[Draft])
    assert_type(tuned.with_fallback(answer).inquire("x", 0.3), MessageSequencePromise[Draft | AssistantMessage])
    assert_type(write.with_fallback(answer), MiniAgent[UserMessage, Draft | AssistantMessage, []])
    assert_type(write.with_fallback(echo, OSError, TimeoutError), MiniAgent[UserMessage, Draft | Message, []])
    # for a fallback that takes less, the agent is to be declared as one that takes no more
    assert_type(takes_less.with_fallback(answer), MiniAgent[UserMessage, Message | AssistantMessage, []])
    await guarded(echo)
    assert_type(review.with_fallback(Remote()), MiniAgent[Draft, Review, []])
    assert_type(write.with_retry().with_fallback(write) >> review, MiniAgent[UserMessage, Review, []])
    assert_type(await (write >> review).with_timeout(3).inquire("x"), tuple[Review, ...])


async def errors() -> None:
    try:
        await echo.inquire()
    except NoRouteError as error:
        assert_type((error.message_class, error.routes), tuple[type[Message], tuple[str, ...]])
    except TooManyRoundsError as error:
        assert_type((error.agent, error.rounds, error.replies), tuple[str, int, tuple[Message, ...]])


def histories(history: list[UserMessage | AssistantMessage], writer: MiniAgent[Message, AssistantMessage, []]) -> None:
    assert_type(estimated_tokens(*history, Message("x")), int)
    assert_type(trim(history, tokens=99), tuple[UserMessage | AssistantMessage, ...])
    assert_type(
        trim(history, tokens=99, keep=lambda message: message.role == "user", count=lambda message: len(str(message))),
        tuple[UserMessage | AssistantMessage, ...],
    )
    assert_type(summarised(writer, by=writer, tokens=99), MiniAgent[Message, AssistantMessage, []])
    summarised(writer, by=writer.with_retry(), tokens=9, keep=bool, count=estimated_tokens, instruction="Sum up!")

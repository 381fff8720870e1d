"""People among agents: open questions that are answered from elsewhere."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from miniagents import (
    AssistantMessage,
    InteractionContext,
    Message,
    MiniAgents,
    OpenQuestion,
    Person,
    PromiseCancelledError,
    UserMessage,
    chain,
    miniagent,
    parallel,
    stream_message,
)
from miniagents.testing import VirtualClockEventLoop, scripted_agent


def run(main: Coroutine[Any, Any, None]) -> None:
    MiniAgents().run(main, loop_factory=VirtualClockEventLoop)


def test_open_questions_are_listed_and_answered_elsewhere() -> None:
    editor = Person("editor", takes=AssistantMessage, gives=UserMessage)

    @miniagent
    async def writer(ctx: InteractionContext) -> None:
        verdict = await editor.ask("Publish?")
        ctx.reply(f"{type(verdict).__name__}: {verdict}")

    async def main() -> None:
        replies = [writer.inquire(), chain(writer, writer).inquire()]
        await asyncio.sleep(1)
        first, second, third = editor.questions
        assert [question.number for question in editor.questions] == [1, 2, 3]
        assert first.callers == ("writer",)
        assert second.callers == ("writer", "writer >> writer")
        assert await first.messages == (AssistantMessage("Publish?"),)
        third.answer("later")
        first.answer("yes")
        assert [question.number for question in editor.questions] == [2]
        second.answer(UserMessage("no"))
        assert [str(message) for reply in replies for message in await reply] == [
            "UserMessage: yes",
            "UserMessage: later",
        ]
        assert not editor.questions
        assert repr(second) == "<OpenQuestion 2 to 'editor'>"
        assert repr(editor) == "<Person 'editor' with 0 open questions>"

    run(main())


def test_a_person_stands_wherever_an_agent_does() -> None:
    async def main() -> None:
        person = Person()
        replies = parallel(person, scripted_agent("fine", alias="model")).inquire("How are you?")
        question = await person.next_question()
        question.answer([stream_message(Message, letters("so-so")), "and you?"])
        told = [(promise.by.alias, str(await promise)) async for promise in replies if promise.by is not None]
        assert told == [("person", "so-so"), ("person", "and you?"), ("model", "fine")]

    run(main())


async def letters(text: str) -> AsyncIterator[str]:
    for letter in text:
        await asyncio.sleep(1)
        yield letter


def test_whoever_waits_for_questions_gets_the_oldest_open_one() -> None:
    async def main() -> None:
        person = Person()

        async def at_the_desk() -> None:
            while True:
                question = await person.next_question()
                question.answer(f"{(await question.messages)[0]}!")

        desk = asyncio.create_task(at_the_desk())
        await asyncio.sleep(1)
        answers = [person.ask(text) for text in "abc"]
        assert [str(await answer) for answer in answers] == ["a!", "b!", "c!"]
        desk.cancel()
        await asyncio.wait([desk])

    run(main())


def test_a_wrong_answer_is_refused_where_it_is_given_and_the_question_stays_open() -> None:
    async def main() -> None:
        person = Person("expert", gives=AssistantMessage)
        answer = person.ask("Why?")
        question: Any = await person.next_question()  # Any: for a mistake that the checkers would find
        with pytest.raises(
            TypeError, match="agent 'expert': reply: got UserMessage where AssistantMessage is declared"
        ):
            question.answer(UserMessage("Because."))
        assert person.questions == (question,)
        question.answer("Because.")
        assert await answer == AssistantMessage("Because.")
        with pytest.raises(RuntimeError, match="<OpenQuestion 1 to 'expert'> was answered before"):
            question.answer("Because!")

    run(main())


def test_an_exception_refuses_an_answer() -> None:
    async def main() -> None:
        person = Person()
        answer = person.ask("Why?")
        (await person.next_question()).answer(PermissionError("none of your business"))
        with pytest.raises(PermissionError, match="none of your business"):
            await answer

    run(main())


def test_a_call_that_is_cancelled_closes_its_question() -> None:
    async def main() -> None:
        person = Person()
        answer = person.ask("Why?")
        question = await person.next_question()
        assert answer.cancel()
        await asyncio.sleep(1)
        assert person.questions == ()
        with pytest.raises(PromiseCancelledError, match="'person' was cancelled: nothing can be added to it"):
            question.answer("Too late")
        with pytest.raises(TimeoutError):
            await chain(person).with_timeout(3).inquire("Quick!")
        assert person.questions == ()

    run(main())


def test_a_question_is_answered_by_one_of_many_threads() -> None:
    answered: list[int] = []

    async def main() -> None:
        person = Person()
        answer = person.ask("Who?")
        question = await person.next_question()

        def answer_as(number: int) -> None:
            try:
                question.answer(str(number))
            except RuntimeError:
                return
            answered.append(number)

        threads = [threading.Thread(target=answer_as, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        assert str(await answer) == str(*answered)
        for thread in threads:
            thread.join()

    MiniAgents().run(main())
    assert len(answered) == 1


def test_leaving_the_context_waits_for_the_answer() -> None:
    said: list[str] = []
    person = Person()

    @miniagent
    async def asking(ctx: InteractionContext) -> None:
        said.append(str(await person.ask(ctx.messages)))

    async def main() -> None:
        asking.inquire("Ready?")
        question = await person.next_question()
        asyncio.get_running_loop().call_later(6, question.answer, "Go.")

    for _ in range(2):  # a person serves one loop after the other
        run(main())
    assert said == ["Go.", "Go."]


def test_a_question_may_still_be_arriving() -> None:
    async def main() -> None:
        person = Person()
        answer = person.ask(stream_message(Message, letters("Why?")))
        question: OpenQuestion[Message, Message] = await person.next_question()
        assert not question.messages.done()
        question.answer(question.messages)
        assert str(await answer) == "Why?"

    run(main())

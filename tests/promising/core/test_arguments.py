"""P10: arguments that a type cannot refuse are refused at the call, where the mistake is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, Final
from unittest.mock import AsyncMock

import pytest

from miniagents.calls import RateLimit
from miniagents.messages import Message, MessagePromise, MessageSequencePromise
from miniagents.promising import (
    Promise,
    PromisingContext,
    StreamedPromise,
    all_settled,
    concat,
    first_ok,
    gather,
    merge,
    race,
    retry,
    retry_stream,
    zip_latest,
)
from miniagents.promising.core.arguments import check_async
from miniagents.testing import scripted_agent

NAN = float("nan")


LIMITED: Final[list[Callable[[float], object]]] = [
    lambda seconds: Promise.resolved(1).timeout(seconds),
    lambda seconds: Promise.resolved(1).timeout(seconds, default=None),
    lambda seconds: MessagePromise.of_message(Message("a")).timeout(seconds),
    lambda seconds: MessagePromise.of_message(Message("a")).timeout(seconds, default=None),
    lambda seconds: StreamedPromise.of("a").batch(1, within=seconds),
    lambda seconds: StreamedPromise.of("a").throttle(seconds),
    lambda seconds: StreamedPromise.of("a").debounce(seconds),
    lambda seconds: StreamedPromise.of("a").timeout_pieces(each=seconds),
    lambda seconds: StreamedPromise.of("a").timeout_pieces(whole=seconds),
    lambda per_second: StreamedPromise.of("a").rate_limit(per_second),
    lambda seconds: retry(asyncio.Event().wait, backoff=seconds),
    lambda seconds: retry_stream(lambda: StreamedPromise.of("a"), backoff=seconds),
]


@pytest.mark.parametrize("seconds", [-1.0, NAN])
@pytest.mark.parametrize("limited", LIMITED)
async def test_a_time_is_not_negative(limited: Callable[[float], object], seconds: float) -> None:
    async with PromisingContext():
        with pytest.raises(ValueError, match=f"{seconds}.*: give a number that is not negative"):
            limited(seconds)


@pytest.mark.parametrize("limited", LIMITED)
async def test_a_time_is_a_number(limited: Callable[[Any], object]) -> None:  # Any: the checkers refuse it
    async with PromisingContext():
        with pytest.raises(TypeError, match="2.*: give a number, not str$"):
            limited("2")


async def numbers() -> AsyncIterator[int]:
    yield 1


async def is_good(_: object) -> bool:
    return False


class Judge:
    async def __call__(self, _: object) -> bool:
        return False


@pytest.mark.parametrize(("verdict", "said"), [(is_good, "is_good is async"), (Judge(), "Judge is async"), (3, "3 is")])
@pytest.mark.parametrize("name", ["filter", "partition", "take_while", "skip_while", "filter_messages", "flat_map"])
async def test_a_verdict_that_would_have_to_be_awaited_is_no_yes(
    name: str,
    verdict: Any,  # Any: the checkers would refuse what is no function
    said: str,
) -> None:
    async with PromisingContext():
        with pytest.raises(TypeError, match=f"^{name}: {said}"):
            getattr(MessageSequencePromise.of_messages([Message("a")]), name)(verdict)


@pytest.mark.parametrize("wrong", ["no", ValueError])
def test_a_promise_fails_with_an_exception(wrong: Any) -> None:  # Any: the checkers refuse it
    with pytest.raises(TypeError, match=r"^Promise\.failed: .* is no exception$"):
        Promise.failed(wrong)


async def test_what_is_not_over_at_once_may_take_any_time() -> None:
    async with PromisingContext():
        assert await Promise(lambda: asyncio.sleep(0, 1)).timeout(float("inf")) == 1
        assert await Promise.resolved(1).timeout(0) == 1


TIMED: Final[list[Callable[[Any], object]]] = [  # Any: whatever is wrong
    lambda seconds: scripted_agent("a").with_timeout(seconds),
    lambda seconds: scripted_agent("a").with_retry(backoff=seconds),
    lambda seconds: RateLimit(requests=1, per=seconds),
]


@pytest.mark.parametrize("timed", TIMED)
def test_what_an_agent_takes_for_seconds_is_a_finite_number(timed: Callable[[Any], object]) -> None:  # Any: as above
    with pytest.raises(TypeError, match=r"'1'.*: give a number, not str$"):
        timed("1")
    for seconds in (-1.0, NAN, float("inf")):
        with pytest.raises(ValueError, match=f"{seconds}.*: give a finite number of seconds"):
            timed(seconds)


def test_a_count_that_is_too_small_says_what_the_smallest_is() -> None:
    for what, made in (
        ("RateLimit: requests", lambda: RateLimit(requests=0)),
        ("with_retry: attempts", lambda: scripted_agent("a").with_retry(attempts=0)),
    ):
        with pytest.raises(ValueError, match=f"^{what}=0 must be at least 1$"):
            made()


# --- what would be found out too late ---


async def takes_all(*_: object) -> None:
    """Take anything."""


def forgets(_: object) -> None:
    """Take anything."""


KEPT: Final[list[object]] = []
NEVER_ASYNC: Final[list[Any]] = [print, KEPT.append, partial(print, 1), partial(forgets), forgets]  # Any: as above


@pytest.mark.parametrize("wrong", NEVER_ASYNC)
def test_a_function_of_python_cannot_be_awaited(wrong: object) -> None:
    with pytest.raises(TypeError, match="^here: .* is not async; write"):
        check_async("here", wrong)


@pytest.mark.parametrize(
    "right", [takes_all, partial(takes_all, 1), Judge(), Judge().__call__, AsyncMock(), numbers().__anext__, Promise]
)
def test_what_may_give_something_to_await_is_not_refused(right: object) -> None:
    check_async("here", right)


NOT_ASYNC: Final[dict[str, Callable[[Any], object]]] = {  # Any: whatever is wrong
    "tap": lambda fn: Promise.resolved(1).tap(fn),
    "distinct": lambda fn: StreamedPromise.of("a").distinct(fn),
    "group_by": lambda fn: StreamedPromise.of("a").group_by(fn),
}


@pytest.mark.parametrize(
    ("wrong", "said"), [(is_good, "is_good is async"), (Judge(), "Judge is async"), (3, "3 is no")]
)
@pytest.mark.parametrize("name", NOT_ASYNC)
async def test_a_function_that_nobody_would_wait_for_is_not_async(
    name: str,
    wrong: object,
    said: str,
) -> None:
    async with PromisingContext():
        with pytest.raises(TypeError, match=f"^{name}: {said}"):
            NOT_ASYNC[name](wrong)


FUNCTIONS: Final[dict[str, Callable[[Any], object]]] = {  # Any: whatever is wrong
    "Promise": Promise,
    "StreamedPromise: streamer": lambda wrong: StreamedPromise(wrong, is_good),
    "StreamedPromise: resolver": lambda wrong: StreamedPromise(lambda: aiter(StreamedPromise.of("a")), wrong),
    "into": lambda wrong: StreamedPromise.of("a").into(wrong),
    "retry": retry,
}


@pytest.mark.parametrize("name", FUNCTIONS)
async def test_p7_nobody_waits_for_what_is_no_function(
    name: str,
) -> None:
    called = "; give the function itself, without calling it: "
    async with PromisingContext():
        for wrong, hint in ((None, ""), (is_good(1), f"{called}is_good"), (numbers(), f"{called}numbers")):
            with pytest.raises(TypeError, match=rf"^{name}: .* is no function{hint}$"):
                FUNCTIONS[name](wrong)


CLASSES_OF_ERRORS: Final[dict[str, Callable[[Any], object]]] = {  # Any: whatever is wrong
    "recover": lambda wrong: Promise.resolved(1).recover(repr, wrong),
    "recover_pieces": lambda wrong: StreamedPromise.of("a").recover_pieces(repr, wrong),
    "recover_message": lambda wrong: MessagePromise.of_message(Message("a")).recover_message(apology, wrong),
    "recover_messages": lambda wrong: MessageSequencePromise.of_messages([Message("a")]).recover_messages(
        apology, wrong
    ),
    "retry": lambda wrong: retry(lambda: is_good(1), errors=(KeyError, wrong)),
    "with_retry": lambda wrong: scripted_agent("a").with_retry(errors=(wrong,)),
    "with_fallback": lambda wrong: scripted_agent("a").with_fallback(scripted_agent("b"), wrong),
}


@pytest.mark.parametrize("wrong", [(KeyError, ValueError), "KeyError", KeyError("an object"), int])
@pytest.mark.parametrize("name", CLASSES_OF_ERRORS)
async def test_what_is_no_class_of_errors_does_not_wait_for_an_error_to_be_found_out(
    name: str,
    wrong: object,
) -> None:
    async with PromisingContext():
        with pytest.raises(TypeError, match=rf"^{name}: .* is no class of exceptions; give each class by itself$"):
            CLASSES_OF_ERRORS[name](wrong)


def apology(error: Exception) -> Message:
    return Message(repr(error))


@pytest.mark.parametrize("combine", [gather, all_settled, race, first_ok])
async def test_a_list_of_promises_is_no_promise(combine: Callable[[Any], object]) -> None:  # Any: as above
    async with PromisingContext():
        name = combine.__name__
        promises = [Promise.resolved(1)]
        with pytest.raises(
            TypeError, match=rf"^{name}: \[.*\] is no promise; write {name}\(\*\.\.\.\) to give what is"
        ):
            combine(promises)
        with pytest.raises(TypeError, match=f"^{name}: 3 is no promise$"):
            combine(3)
        with pytest.raises(TypeError, match=rf"^{name}: <function apology.*> is no promise; call it: apology\(\)$"):
            combine(apology)


@pytest.mark.parametrize(
    "combine", [merge, concat, zip_latest, StreamedPromise.of("a").chain, StreamedPromise.of("a").zip]
)
async def test_a_list_of_streams_is_no_stream(combine: Callable[[Any], object]) -> None:  # Any: as above
    async with PromisingContext():
        name = combine.__name__
        for wrong in ([StreamedPromise.of("b")], [1, 2], "b"):
            with pytest.raises(
                TypeError, match=rf"^{name}: .* is no stream; give streams one by one, and pieces as Str"
            ):
                combine(wrong)
        with pytest.raises(TypeError, match=f"^{name}: 3 is no stream$"):
            combine(3)


async def test_what_is_no_promise_is_neither_paired_nor_flattened() -> None:
    async with PromisingContext():
        wrong: Any = 3  # Any: the checkers refuse it
        with pytest.raises(TypeError, match="^pair: 3 is no promise$"):
            Promise.resolved((1,)).pair(wrong)
        promise: Promise[Any] = Promise.resolved(3)  # Any: as above
        with pytest.raises(TypeError, match="^flatten: the value of 'resolved': 3 is no promise$"):
            await promise.flatten()


PLAIN: Final[dict[str, Callable[[Any], Promise[Any]]]] = {  # Any: whatever the plain function gives
    "double": Promise,
    "resolved.then": lambda plain: Promise.resolved(1).then(plain),
    "double.retry": lambda plain: retry(plain, attempts=2, backoff=0),
    "passed on": lambda plain: Promise.resolved(1).then(plain).map(str).recover(str, KeyError),
}


@pytest.mark.parametrize("name", PLAIN)
async def test_a_plain_function_in_the_place_of_an_async_one_is_told_once(name: str) -> None:
    def double(*values: int) -> int:
        return 2 * sum(values)

    async with PromisingContext():
        with pytest.raises(TypeError, match="await") as caught:
            await PLAIN[name](double)
    told = [note for note in caught.value.__notes__ if "a plain function was given" in note]
    assert len(told) == 1
    assert told[0].endswith(": a plain function was given where an async one is needed: write `async def`")


async def test_an_await_of_the_users_own_shows_by_itself() -> None:
    async def wrong() -> int:
        number: Any = 3  # Any: the checkers refuse it
        await number
        return 3

    async with PromisingContext():
        with pytest.raises(TypeError, match="await") as caught:
            await Promise(wrong).then(Promise.resolved)
    assert not hasattr(caught.value, "__notes__")

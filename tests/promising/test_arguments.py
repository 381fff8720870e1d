"""P10: arguments that a type cannot refuse are refused at the call, where the mistake is."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from miniagents.messages import Message, MessagePromise, MessageSequencePromise
from miniagents.promising import Promise, PromisingContext, StreamedPromise

pytestmark = pytest.mark.timeout(10)

NAN = float("nan")


@pytest.mark.parametrize("seconds", [-1.0, NAN])
@pytest.mark.parametrize(
    "limited",
    [
        lambda seconds: Promise.resolved(1).timeout(seconds),
        lambda seconds: Promise.resolved(1).timeout(seconds, default=None),
        lambda seconds: MessagePromise.of_message(Message("a")).timeout(seconds),
        lambda seconds: MessagePromise.of_message(Message("a")).timeout(seconds, default=None),
        lambda seconds: StreamedPromise.of("a").batch(1, within=seconds),
        lambda seconds: StreamedPromise.of("a").throttle(seconds),
        lambda seconds: StreamedPromise.of("a").debounce(seconds),
        lambda seconds: StreamedPromise.of("a").timeout_pieces(each=seconds),
        lambda seconds: StreamedPromise.of("a").timeout_pieces(whole=seconds),
    ],
)
async def test_a_time_is_not_negative(limited: Callable[[float], object], seconds: float) -> None:
    async with PromisingContext():
        with pytest.raises(ValueError, match=f"{seconds}.*: give a number that is not negative"):
            limited(seconds)


async def is_good(_: object) -> bool:
    return False


class Judge:
    async def __call__(self, _: object) -> bool:
        return False


@pytest.mark.parametrize(("verdict", "said"), [(is_good, "is_good is async"), (Judge(), "Judge is async"), (3, "3 is")])
@pytest.mark.parametrize("name", ["filter", "partition", "take_while", "skip_while", "filter_messages"])
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
    with pytest.raises(TypeError, match=r"^Promise\.failed\(.*\): give it an exception$"):
        Promise.failed(wrong)


async def test_what_is_not_over_at_once_may_take_any_time() -> None:
    async with PromisingContext():
        assert await Promise(lambda: asyncio.sleep(0, 1)).timeout(float("inf")) == 1
        assert await Promise.resolved(1).timeout(0) == 1

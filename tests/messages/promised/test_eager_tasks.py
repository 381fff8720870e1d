"""P10: combinators of messages where the loop starts tasks at once, so that work begins before its promise is there."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from typing import Final

import pytest

from miniagents import Message, MessagePromise, MiniAgents, UserMessage, stream_message
from miniagents.utils import join_messages

pytestmark = pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")

AnyMessage = MessagePromise[Message]


async def same(message: Message) -> Message:
    return message


async def tokens() -> AsyncIterator[str]:
    yield "a"
    yield "b"


COMBINATORS: Final[list[Callable[[AnyMessage], AnyMessage]]] = [
    lambda message: message.map_text(str.upper).map_text(str.lower),
    lambda message: message.map_message(lambda whole: Message(whole.text)),
    lambda message: message.then_message(same),
    lambda message: message.recover_message(lambda error: Message(str(error))),
    lambda message: message.timeout(5),
    lambda message: message.checked(lambda whole: whole),
    lambda message: message.split().first(),
    lambda message: message.split().last(),
    lambda message: message.split().only(),
    lambda message: message.split().map_messages(lambda whole: whole).only(),
    lambda message: message.split().then_messages(same).join(),
    lambda message: join_messages([message]),
]


@pytest.mark.parametrize("start_asap", [True, False])
@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("combinator", COMBINATORS)
def test_what_is_made_of_a_message(
    combinator: Callable[[AnyMessage], AnyMessage], streamed: bool, start_asap: bool
) -> None:
    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(getattr(asyncio, "eager_task_factory"))  # noqa: B009 - from 3.12 on
        async with MiniAgents(start_asap=start_asap):
            for read_first in (True, False):
                message = (
                    stream_message(UserMessage, tokens()) if streamed else MessagePromise.of_message(Message("ab"))
                )
                made = combinator(message)
                if read_first:
                    assert "".join([token async for token in made]) == "ab"
                assert str(await made) == "ab"

    asyncio.run(main())

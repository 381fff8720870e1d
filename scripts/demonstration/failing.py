"""The fourth scene: an agent fails in the middle of a sentence, and another one goes on."""

from rich.text import Text

from miniagents import MessagePromise
from scripts.demonstration import agents
from scripts.demonstration.agents import TICKET, reliable
from scripts.demonstration.help_desk import Advice
from scripts.demonstration.stage import Stage, source_of

__all__ = ["play"]

FIRST, SECOND, BOTH = "flaky", "stand_in", "customer"


async def play(stage: Stage) -> None:
    """Show the stream that breaks off, the one that goes on, and both as one; then the first one again."""
    stage.code(source_of(agents, "reliable"))
    stage.say()
    await stage.pause(3)
    promises: list[MessagePromise[Advice]] = []
    with stage.panes(FIRST, SECOND, below=BOTH) as panes:
        async for promise in reliable.inquire(TICKET):
            name, style = (SECOND, "magenta") if promises else (FIRST, "cyan")
            promises.append(promise)
            try:
                async for token in promise:
                    panes.write(name, token)
                    panes.write(BOTH, token, style)
            except ConnectionError as error:
                panes.fail(name, error)
            panes.end(name)
        panes.end(BOTH)
    stage.say()
    tokens, failure = await _read_again(promises[0])
    said = f"{FIRST}, read once more: the same {len(tokens)} tokens up to {tokens[-1].strip()!r}, and then the same "
    stage.say(Text.assemble(said, (type(failure).__name__, "red"), "."))


async def _read_again(promise: MessagePromise[Advice]) -> tuple[list[str], ConnectionError]:
    tokens: list[str] = []
    try:
        async for token in promise:
            tokens.append(token)  # noqa: PERF401  # they are needed although the stream fails
    except ConnectionError as error:
        return tokens, error
    raise RuntimeError("a stream that has failed must fail again")

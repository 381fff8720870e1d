"""The fourth scene: an agent fails in the middle of a sentence, and another one continues it."""

from rich.text import Text

from miniagents import MessagePromise
from scripts.demonstration import agents
from scripts.demonstration.agents import TICKET, reliable
from scripts.demonstration.help_desk import Advice
from scripts.demonstration.stage import Stage, source_of

__all__ = ["play"]

FIRST, SECOND, BOTH = "flaky", "stand_in", "customer"


async def play(stage: Stage) -> None:
    """Show the stream that fails, the stream that continues it, and both as one; then show the first one again."""
    stage.code(source_of(agents, "reliable"))
    stage.say()
    await stage.pause(2)
    promises: list[MessagePromise[Advice]] = []
    failure: ConnectionError | None = None
    with stage.panes(FIRST, SECOND, below=BOTH) as panes:
        async for promise in reliable.inquire(TICKET):
            name, style = (SECOND, "magenta") if promises else (FIRST, "cyan")
            promises.append(promise)
            try:
                async for token in promise:
                    panes.write(name, token)
                    panes.write(BOTH, token, style)
            except ConnectionError as error:
                failure = error
                panes.fail(name, error)
            panes.end(name)
        panes.end(BOTH)
    tokens, again = await _read_again(promises[0])
    if tokens != panes.tokens[FIRST] or again is not failure:
        raise RuntimeError(f"a stream must say the same again, and not {tokens} and {again!r}")
    said = f"{FIRST}, read again: the same {len(tokens)} tokens, then the same "
    stage.say(Text.assemble(said, (type(again).__name__, "red"), "."))


async def _read_again(promise: MessagePromise[Advice]) -> tuple[list[str], ConnectionError]:
    tokens: list[str] = []
    try:
        async for token in promise:
            tokens.append(token)  # noqa: PERF401  # they are needed although the stream fails
    except ConnectionError as error:
        return tokens, error
    raise RuntimeError("a stream that has failed must fail again")

"""The seventh scene: the same messages have the same keys."""

from rich.text import Text

from scripts.demonstration.side_by_side import ask
from scripts.demonstration.stage import Stage

__all__ = ["play"]


async def play(stage: Stage) -> None:
    """Show the keys of the help desk's messages, ask it again, and compare the keys."""
    with stage.busy("asking again"):
        advice, answer = ask()
        again = (*await advice, *await answer)
    for first, second in zip(stage.messages, again, strict=True):
        if first.hash_key != second.hash_key:
            raise RuntimeError(f"the same message must have the same key: {first!r} and {second!r}")
        about = getattr(first, "topic", getattr(first, "to", ""))
        key = (first.hash_key, "cyan")
        stage.say(
            Text.assemble(f"{type(first).__name__:<7}{about:<9}", key, (" ✓ again ", "green"), second.hash_key[:7])
        )

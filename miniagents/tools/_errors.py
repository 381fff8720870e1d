"""The errors of tools that a model is told."""

from __future__ import annotations

__all__ = ["ToolError", "WrongArgumentsError"]


class ToolError(Exception):
    """An error that a tool raises to tell the model something; the model gets its text as it is.

    It is not logged, because it is part of the conversation: "there is no such file" is an example.

    Args:
        text: What the model is told.

    >>> @tool
    ... async def read(path: str) -> str:
    ...     raise ToolError(f"There is no file {path}; list the files first.")
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         print(await read.answer(ToolCall(id="1", name="read", arguments='{"path": "x"}')))
    >>> asyncio.run(main())
    There is no file x; list the files first.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text: str = text


class WrongArgumentsError(Exception):
    """The arguments of a model do not fit the parameters of the tool."""

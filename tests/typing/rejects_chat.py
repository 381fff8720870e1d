"""What the type checkers must refuse: conversations of people with agents.

Checked, not run. Each line that is wrong says so to mypy and pyright; one that becomes valid is then refused as a
needless comment. pyrefly and ty are to refuse the same lines: `gaps.toml` has those that they do not.
"""

from __future__ import annotations

from miniagents.chat import (
    ConversationHistory,
    MarkdownHistory,
    MemoryHistory,
    NDJSONHistory,
    console_user,
    converse,
    markdown_log,
    with_history,
)


async def conversations(history: ConversationHistory) -> None:
    await converse("agent")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await converse(console_user, history=[])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with_history(console_user)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    console_user.inquire("Hello", "again")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    history.add("Hello")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MemoryHistory().add("Hello")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MemoryHistory(["Hello"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    NDJSONHistory()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    NDJSONHistory("x").add("Hello")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MarkdownHistory()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    MarkdownHistory("x").add("Hello")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    markdown_log(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

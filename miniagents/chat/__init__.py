"""Conversations of people with agents, in a terminal, through pipes and in files; `miniagents chat` is made of them.

The conversation knows nothing of terminals: it reads from an input and shows itself to a view. Only the input and the
view of a terminal need the packages of the extra `chat`.
"""

from typing import TYPE_CHECKING

from miniagents._lazy import lazy_names

if TYPE_CHECKING:
    from miniagents.chat.chat_errors import ChatError
    from miniagents.chat.console_agent import console_user
    from miniagents.chat.conversing import converse, with_history
    from miniagents.chat.histories import ConversationHistory, MemoryHistory, NDJSONHistory
    from miniagents.chat.markdown_history import MarkdownHistory
    from miniagents.chat.model_log import markdown_log
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "chat_errors": ("ChatError",),
            "console_agent": ("console_user",),
            "conversing": ("converse", "with_history"),
            "histories": ("ConversationHistory", "MemoryHistory", "NDJSONHistory"),
            "markdown_history": ("MarkdownHistory",),
            "model_log": ("markdown_log",),
        },
    )

__all__ = [
    "ChatError",
    "ConversationHistory",
    "MarkdownHistory",
    "MemoryHistory",
    "NDJSONHistory",
    "console_user",
    "converse",
    "markdown_log",
    "with_history",
]

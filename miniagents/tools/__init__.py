"""Tools: typed functions and agents that language models call.

A tool is a function together with its name, its description, and the JSON Schema of its arguments, which a model needs
to call it. This package is the same for all providers of models.
"""

from typing import TYPE_CHECKING

from miniagents._lazy import at_home, teaching
from miniagents.tools._approving import Approve
from miniagents.tools._context import ToolContext
from miniagents.tools._errors import ToolError
from miniagents.tools._results import ToolReturn
from miniagents.tools._tool import Tool, tool

if not TYPE_CHECKING:  # for checkers this would allow any name
    __getattr__ = teaching(__name__)

__all__ = ["Approve", "Tool", "ToolContext", "ToolError", "ToolReturn", "tool"]

at_home(__name__)

"""Tools: typed functions, and agents, that language models call.

A tool is a function together with what a model has to know of it: a name, a description, and the JSON Schema of its
arguments. Nothing here knows any provider of models.
"""

from miniagents.tools._results import ToolReturn
from miniagents.tools._tool import Tool, tool

__all__ = ["Tool", "ToolReturn", "tool"]

"""Tools: typed functions and agents that language models call.

A tool is a function together with its name, its description, and the JSON Schema of its arguments, which a model needs
to call it. This package is the same for all providers of models.
"""

from miniagents.tools._results import ToolReturn
from miniagents.tools._tool import Tool, tool

__all__ = ["Tool", "ToolReturn", "tool"]

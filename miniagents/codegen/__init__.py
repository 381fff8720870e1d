"""JSON Schema files to Python modules of message types.

`reader` makes a `model` of the files, `emitter` makes Python text of the model. Run as `python -m miniagents.codegen`.
Nothing here is imported when generated modules run, and nothing here imports the rest of the package.
"""

from miniagents.codegen.command import main
from miniagents.codegen.errors import GenerationError, Problem
from miniagents.codegen.generating import generate

__all__ = ["GenerationError", "Problem", "generate", "main"]

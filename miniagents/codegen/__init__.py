"""JSON Schema files to Python modules of message types.

`bundle` reads the files, `modules` makes a `model` of them, `emitter` makes Python text of the model. Beside that stand
`linting`, `compare` and `exporting`. Run as `miniagents`, or as `python -m miniagents.codegen`.
Nothing here is imported when generated modules run, and nothing here but `lint` imports the rest of the package.
"""

from miniagents.codegen.command import main
from miniagents.codegen.errors import GenerationError, Problem
from miniagents.codegen.generating import generate

__all__ = ["GenerationError", "Problem", "generate", "main"]

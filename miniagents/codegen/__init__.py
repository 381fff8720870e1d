"""Generate Python modules of message types from JSON Schema files.

`reading` turns the files into a bundle, `shaping` turns the bundle into a model, and `writing` turns the model into
Python text. `linting`, `comparing` and `exporting` are the other tools. `commands` is their command line, which runs as
`miniagents` or as `python -m miniagents.codegen`.

Generated modules do not import this package when they run.
"""

from miniagents.codegen.commands.command_line import main
from miniagents.codegen.generating import generate, generate_files
from miniagents.codegen.schema_errors import GenerationError, Problem

__all__ = ["GenerationError", "Problem", "generate", "generate_files", "main"]

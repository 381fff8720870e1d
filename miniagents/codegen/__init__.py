"""JSON Schema files to Python modules of message types.

`reading` makes a bundle of the files, `shaping` a model of the bundle, `writing` Python text of the model. Beside that
stand `linting`, `comparing` and `exporting`; `commands` is the command line, run as `miniagents`, or as
`python -m miniagents.codegen`.
Nothing here is imported when generated modules run. Of the rest of the package, only `validation` is imported here.
"""

from miniagents.codegen.commands.command_line import main
from miniagents.codegen.generating import generate
from miniagents.codegen.schema_errors import GenerationError, Problem

__all__ = ["GenerationError", "Problem", "generate", "main"]

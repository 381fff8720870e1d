"""`python -m miniagents.codegen`."""

import sys

from miniagents.codegen.commands.command_line import main
from miniagents.command_running import run_command

if __name__ == "__main__":
    sys.exit(run_command("python -m miniagents.codegen", main))

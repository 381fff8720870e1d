"""`python -m miniagents.codegen`."""

import sys

from miniagents.codegen.commands.command_line import main

if __name__ == "__main__":
    sys.exit(main())

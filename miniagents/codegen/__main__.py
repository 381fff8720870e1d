"""`python -m miniagents.codegen`."""

import sys

from miniagents.codegen.command import main

if __name__ == "__main__":
    sys.exit(main())

"""`python -m miniagents` is the `miniagents` command."""

import sys

from miniagents.cli import main

if __name__ == "__main__":
    sys.exit(main())

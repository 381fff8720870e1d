"""The commands of `miniagents` that work on records; `cli.py` finds them here, each in a module of its own."""

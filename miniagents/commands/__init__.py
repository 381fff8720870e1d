"""The commands of `miniagents` that work on records, and the guide; `cli.py` finds each in a module of its own."""

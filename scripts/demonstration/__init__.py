"""A demonstration of the library in under a minute, offline. It has nine scenes, and nothing in them is faked.

`stage.py` shows things, `panes.py` shows streams side by side, `agents.py` has the agents of a help desk, and each of
the other modules is a scene. `help_desk.py` is generated from the schema beside it: type checkers read this file, and
the demo runs with the one that it generates itself.
"""

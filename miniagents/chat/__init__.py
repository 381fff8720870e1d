"""`miniagents chat`: a chat with any agent or language model, in a terminal or through pipes.

The conversation knows nothing of terminals: it reads from an input and shows itself to a view. What those are at a
terminal needs the packages of the extra `chat`; the rest does not.
"""

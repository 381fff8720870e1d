"""`miniagents chat`: a chat with any agent or language model, in a terminal or through pipes.

The conversation knows nothing of terminals: it reads from an input and shows itself to a view. Only the input and the
view of a terminal need the packages of the extra `chat`.
"""

"""Turn a bundle into the model of a module: forms as precise as types can be, and schemas to check the rest.

Begin with `modules`.
"""

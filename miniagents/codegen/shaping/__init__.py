"""A bundle as the model of a module: forms as precise as types can be, and the schema itself for the rest.

Begin with `modules`.
"""

"""ECMA-262's regular expressions as Python's, and back."""

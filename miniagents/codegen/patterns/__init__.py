"""Translate regular expressions from ECMA-262 to Python and back."""

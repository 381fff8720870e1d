"""`scripts/fuzz`: kinds of untrusted input, each in its own module. Begin with `definitions`."""

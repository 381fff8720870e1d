"""Find what could be better in valid schemas. Begin with `linter`."""

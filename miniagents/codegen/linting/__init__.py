"""What a careful reader would say of schemas. Begin with `linter`."""

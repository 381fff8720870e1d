"""What changed between two versions of schemas, and whom it breaks. Begin with `comparer`."""

"""Find the changes between two versions of schemas, and whom they break. Begin with `comparer`."""

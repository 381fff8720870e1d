"""Export Python types to JSON Schema. Begin with `exporter`."""

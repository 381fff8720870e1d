"""Python types back to JSON Schema. Begin with `exporter`."""

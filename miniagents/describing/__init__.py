"""Python types described as JSON Schema."""

"""Frozen values: their classes, freezing, and the canonical form from which hash keys are computed."""

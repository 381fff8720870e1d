"""Frozen values: classes, freezing, and the canonical form that gives them their keys."""

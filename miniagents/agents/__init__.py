"""Agents: how they are made, called, run, guarded and remembered."""

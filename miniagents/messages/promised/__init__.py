"""Promises of messages and of sequences of messages."""

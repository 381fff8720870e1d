"""Codecs: messages to and from JSON and MessagePack."""

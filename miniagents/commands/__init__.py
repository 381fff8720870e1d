"""Commands of `miniagents`: those that work on records, the guide, and shell completion."""

"""The command line. Begin with `command_line`."""

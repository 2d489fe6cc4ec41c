"""Thin commands: parse, call, print; one file a command."""

"""Inspecting, replaying and repairing stories, without a word of HTTP."""

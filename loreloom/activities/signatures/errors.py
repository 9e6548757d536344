"""The types of the errors by which steps fail, as workflows tell them apart."""

BROKEN = "BrokenStep"
"""Type of the error of a step that will not succeed by being tried again."""

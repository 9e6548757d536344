"""The clock of a world: its calendar, its boundaries, its process and its API."""

"""The rules of the game world: plain, deterministic, without I/O, wall clock or global chance."""

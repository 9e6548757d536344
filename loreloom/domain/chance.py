"""Chance that is seeded: the same seed and the same names give the same draw, on every machine."""

import random
from hashlib import blake2b

MANTISSA = 53
"""Bits of a float's fraction: more would round up to 1."""


def chance(seed: int, *parts: object) -> float:
    """A number in [0, 1) that belongs to the seed and the parts' names, drawn evenly."""
    return (_number(seed, parts) >> (64 - MANTISSA)) * 2.0**-MANTISSA


def generator(seed: int, *parts: object) -> random.Random:
    """A generator of its own for the seed and the parts' names."""
    return random.Random(_number(seed, parts))


def _number(seed: int, parts: tuple[object, ...]) -> int:
    name = "/".join(str(part) for part in (seed, *parts))
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest())

"""Loreloom: a durable narrative engine for live games."""

__version__ = "0.1.0"

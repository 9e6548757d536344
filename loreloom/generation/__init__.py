"""Tiers of model servers and the router between them, prompts, output schemas and guardrails."""

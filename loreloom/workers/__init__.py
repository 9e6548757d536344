"""Entry points: worker roles, the embedded stack, the command line, settings. Nobody imports it."""

"""The side effects of workflows: thin, one file a concern, each idempotent by its key."""

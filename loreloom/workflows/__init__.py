"""The story processes, one file a workflow; each reads as the process that it is."""

"""The routes, one file a noun. Each reads, calls a room below and shapes the answer."""

"""The HTTP face of the engine: routes, keys, limits and the event stream."""

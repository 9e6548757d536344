"""HTTP as such, whatever a route is about: callers, bodies, answers, errors, cursors, repeats."""

"""The console: a server-rendered page at ``/console`` for designers and operators."""

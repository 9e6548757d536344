"""What requests and answers look like: one file a noun, as the routes."""

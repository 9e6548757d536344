"""The embedded stack: every part that the settings name no address for, on this machine."""

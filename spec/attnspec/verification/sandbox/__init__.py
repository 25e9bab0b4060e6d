"""The candidate in a process of its own, and how to talk to it."""

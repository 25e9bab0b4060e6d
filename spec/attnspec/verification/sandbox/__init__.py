"""The candidate in a process of its own, and the messages exchanged with it."""

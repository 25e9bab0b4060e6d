"""The candidate: what is asked of it, how it is called, and the form of its answers."""

"""The candidate: the question, its calls, and the form of its answers."""

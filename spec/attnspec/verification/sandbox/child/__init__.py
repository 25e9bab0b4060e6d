"""The worker's program, which runs in the candidate's process."""

__all__ = ["serving"]

serving = False
"""Whether this is a process in which candidates run."""

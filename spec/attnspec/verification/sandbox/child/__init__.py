"""The worker's program, which runs in the candidate's process."""

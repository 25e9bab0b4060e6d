"""Is it right? Answers against values and noise."""

"""Programs that are not Python callables, called as if they were."""

"""The documentation of the package, with formulas and verdicts by attnspec."""

project = "strangers"
extensions = ["attnspec.sphinx", "myst_parser"]
attnspec_equations = ["strangers.norms", "strangers.feed_forward"]

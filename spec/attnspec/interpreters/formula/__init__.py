"""The formula of an equation, in LaTeX and in Unicode."""

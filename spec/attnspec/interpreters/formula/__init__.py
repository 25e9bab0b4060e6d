"""The formula of an equation, in LaTeX, in MathML and in Unicode."""

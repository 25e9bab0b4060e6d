"""Pages of HTML on which the formula, the figure and the code of an equation stand side by side."""

"""How software keeps the weights of equations: a module for each family."""

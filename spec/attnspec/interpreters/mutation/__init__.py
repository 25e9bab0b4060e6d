"""Wrong versions of an equation, made by mutation operators."""

"""The cost of an equation: parameters, operations, memory, steps."""

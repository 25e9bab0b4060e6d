"""Pictures of what an equation computes: heat maps of weights, and gates over time."""

"""The figure of an equation: its data flow as a graph, and the graph as a picture."""

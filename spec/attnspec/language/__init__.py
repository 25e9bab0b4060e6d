"""What equations are written in: indices, tensors, the vocabulary, symbols, and the lint that holds them to it."""

"""The notation of equations: its types, vocabulary, symbols, parser and checks; and the registry of equations."""

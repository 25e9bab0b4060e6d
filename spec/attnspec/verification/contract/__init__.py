"""The call contract: the form of an answer, and nothing else touched."""

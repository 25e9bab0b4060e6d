"""Candidates that are right, wrong and dishonest on purpose, with the verdicts that they must get."""

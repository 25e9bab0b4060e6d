"""Verdicts on procedures, whose answers are compared for equality."""

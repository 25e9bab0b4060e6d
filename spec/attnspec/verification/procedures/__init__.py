"""Procedures: judged by equality."""

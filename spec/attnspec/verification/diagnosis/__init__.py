"""Diagnosis: explanations of wrong answers, and their effective precision."""

"""Beside each family: its curated mistakes and its equal forms."""

"""Inputs: how they are described, drawn, recorded and made smaller."""

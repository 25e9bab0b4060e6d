"""Curated mistakes, beside each family: what people do wrong and no mutation operator makes."""

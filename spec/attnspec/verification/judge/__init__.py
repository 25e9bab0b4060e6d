"""The judge: answers compared with values, within the noise."""

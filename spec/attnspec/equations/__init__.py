"""THE SPEC: one file per family, equations and nothing else."""

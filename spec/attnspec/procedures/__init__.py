"""THE SPEC where it is about words: one file per family, procedures and nothing else."""

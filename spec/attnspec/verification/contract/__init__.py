"""The call contract: no side effects, repeatable answers, claimed double backward passes."""

"""From a target to a verdict: questions, cases, a sandbox, a judge, a diagnosis."""

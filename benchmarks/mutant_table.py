"""Every mutant as a candidate in PyTorch, from its own tree: is it caught, and is it named?

    python benchmarks/mutant_table.py [--dtype D …] [--equation ID …] [--sample N] [--verbose]

Each mutant that is not equivalent to its equation is evaluated by PyTorch operations in the storage dtype, so that it
rounds as an honest wrong implementation would, and judged on the verdict's own cases.
"""

from __future__ import annotations

import argparse
import platform
import random
import time
from collections.abc import Generator, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from attnspec import REGISTRY
from attnspec.errors import SpecError
from attnspec.implementation import DTYPES, Claim
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.language.tree import Definition
from attnspec.verification.candidate.question import Question
from attnspec.verification.equations.verifier import EquationVerifier
from attnspec.verification.judge.mutant_values import non_equivalent_mutants
from attnspec.verification.sandbox.binding import Parameter
from attnspec.verification.sandbox.messages import Outcome, Output, Request, Trouble
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.sandbox.targets import CallableInfo
from attnspec.verification.verdict import Verdict


class InProcess(Runner):
    """Runs a tree by PyTorch operations, without a process of its own: these candidates are ours."""

    def __init__(self, definition: Definition) -> None:
        super().__init__()
        self.definition = definition

    def call_many(self, requests: Iterable[Request]) -> Generator[Outcome, None, None]:
        for request in requests:
            outcome = self.called(request)
            if request.before is not None:
                first = self.called(replace(request, arrays=request.before))
                outcome = replace(outcome, outputs=(*first.outputs, *outcome.outputs))
            yield outcome

    def called(self, request: Request) -> Outcome:
        dtype = getattr(torch, request.dtype)
        arrays = {
            name: torch.tensor(array).to(dtype) if array.dtype.kind == "f" else torch.tensor(array)
            for name, array in request.arrays.items()
        }
        try:
            found = evaluate(self.definition, (), {**arrays, **request.options})
        except (SpecError, RuntimeError, ValueError, IndexError, ZeroDivisionError) as error:
            return Outcome("raised", trouble=Trouble(type(error).__name__, str(error)))
        outputs = found if isinstance(found, tuple) else (found,)
        return Outcome(
            "ok",
            tuple(
                Output("tensor of torch", _float64(out), form, tuple(out.shape), "cpu")
                for out, form in zip(outputs, self.forms(request.dtype), strict=True)
            ),
        )

    def forms(self, dtype: str) -> list[str]:
        """The dtype of each result: whole numbers are what they are."""
        return ["int64" if result.kind == "int" else dtype for result in self.definition.results]


def _float64(out: Any) -> np.ndarray[Any, Any]:
    """Of sizes alone NumPy's arrays are made."""
    return np.asarray(out.to(torch.float64) if isinstance(out, torch.Tensor) else out, dtype=np.float64)


def asked(id: str, definition: Definition, dtype: str, claim: Claim) -> Verdict:
    """The verdict on a tree, as a candidate for an equation."""
    equation = REGISTRY[id]
    parameters = [p.name for p in equation.definition.parameters] + [o.name for o in equation.definition.options]
    info = CallableInfo("tree", "tree", (), tuple(map(Parameter, parameters)), "torch")
    question = Question(info, equation, claim, "torch", dtype, examples=5)
    return EquationVerifier(question, InProcess(definition)).verdict()


def named(verdict: Verdict, mutant: Mutant) -> bool:
    """Whether the mutant's own sentence comes first, or stands beside the first as not to be told from it."""
    first = verdict.diagnosis[0] if verdict.diagnosis else None
    return first is not None and (first.says.startswith(mutant.says) or mutant.says in first.also)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--dtype", action="append", choices=DTYPES)
    parser.add_argument("--equation", action="append")
    parser.add_argument("--sample", type=int, help="so many mutants of each equation, drawn by a fixed seed")
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    console = Console(width=120)
    table = Table("equation", "dtype", "right", "mutants", "caught", "named", "seconds")
    totals: dict[str, np.ndarray[Any, Any]] = {}
    for id in given.equation or list(REGISTRY):
        for dtype in given.dtype or DTYPES:
            row = _row(id, dtype, given.sample, given.verbose, console)
            totals[dtype] = totals.get(dtype, np.zeros(3, dtype=int)) + row[1:4]
            table.add_row(id, dtype, str(row[0]), *map(str, row[1:4]), f"{row[4]:.1f}")
    console.print(table)
    for dtype, (of, caught, by_name) in totals.items():
        console.print(f"{dtype}: {caught} of {of} caught ({caught / of:.2%}), {by_name} named ({by_name / of:.2%})")
    console.print(f"PyTorch {torch.__version__}, NumPy {np.__version__}, Python {platform.python_version()}, 1 thread")


def _row(id: str, dtype: str, sample: int | None, verbose: bool, console: Console) -> tuple[str, int, int, int, float]:
    started = time.monotonic()
    right = asked(id, REGISTRY[id].definition, dtype, Claim())
    if verbose and not right.passed:
        console.print(right)
    wrong = non_equivalent_mutants(id)
    if sample is not None:
        wrong = tuple(random.Random(f"{id} {dtype}").sample(wrong, min(sample, len(wrong))))
    caught = by_name = 0
    for mutant in wrong:
        verdict = asked(id, replace(mutant.definition, id=id), dtype, Claim(batch=(0, 1), deterministic=True))
        seen = verdict.verdict == "differs" or (bool(mutant.equal_sizes) and verdict.verdict == "fails")
        caught += seen
        by_name += named(verdict, mutant)
        if verbose and not (seen and named(verdict, mutant)):
            says = verdict.diagnosis[0].says if verdict.diagnosis else verdict.reason
            console.print(f"  {id} {dtype} [{mutant.id}] {mutant.says}: {verdict.verdict}: {says}", markup=False)
    return right.verdict, len(wrong), caught, by_name, time.monotonic() - started


if __name__ == "__main__":
    main()

"""`attnspec new ID`: a file to start an implementation from."""

from __future__ import annotations

import json
import keyword
from pathlib import Path
from typing import Any

import click

from attnspec.errors import SpecError, UnknownName, nearest
from attnspec.implementation import FRAMEWORKS
from attnspec.interpreters.formula import formula
from attnspec.language.equation import Equation
from attnspec.language.procedure import Procedure, specified
from attnspec.language.symbols import symbol
from attnspec.language.tree import Parameter
from attnspec.verification.questions import catalogue

ARRAYS = {
    "numpy": ("import numpy as np", "np.ndarray"),
    "torch": ("import torch", "torch.Tensor"),
    "jax": ("import jax.numpy as jnp", "jnp.ndarray"),
}
"""By framework: what to import, and what its arrays are called."""


def answer(id: str, framework: str | None, output: str | None) -> None:
    """Print or write the file.

    Raises:
        UnknownName: no such equation, procedure or framework.
        SpecError: an equation needs a framework, and a procedure has none; there is such a file already, or it cannot
            be written.
    """
    if framework is not None and framework not in FRAMEWORKS:
        mend = nearest(framework, FRAMEWORKS)
        raise UnknownName(f"no framework {framework!r}", given=framework, expected=", ".join(FRAMEWORKS), mend=mend)
    catalogue()
    item = specified(id)
    if isinstance(item, Procedure):
        if framework is not None:
            given = f"--framework {framework}"
            raise SpecError(f"{id} is a procedure, and takes no arrays", given=given, mend="leave it out")
        text = procedural(item)
    elif framework is None:
        expected = ", ".join(FRAMEWORKS)
        raise SpecError(f"whose arrays does it take for {id}?", expected=expected, mend="--framework numpy")
    else:
        text = starter(item, framework)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        with Path(output).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise SpecError(f"{output} is there already", given=output, mend="name another file, or move it") from error
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise SpecError(f"cannot write {output}", given=str(error), mend="name a folder that is there") from error
    click.echo(f"{output}: fill in the body, then\n  attnspec verify {output}")


def starter(equation: Equation[..., Any], framework: str) -> str:
    """A Python file with everything but the body."""
    imported, array = ARRAYS[framework]
    name = equation.id.split(".")[-1]
    name = f"{name}_" if keyword.iskeyword(name) else name
    results = [array] * len(equation.definition.results)
    returned = array if len(results) == 1 else f"tuple[{', '.join(results)}]"
    doc = equation.doc.partition("\n")[0].replace("\\", "\\\\").replace('"""', "'''")
    return "\n".join(
        [
            f'"""{equation.id} for {framework}."""',
            "",
            "import attnspec",
            imported,
            "",
            *(f"# {line}".rstrip() for line in formula.text(equation.definition).splitlines()),
            "",
            "",
            f'@attnspec.implements({json.dumps(equation.id)}, framework="{framework}")',
            f"def {name}(",
            *_parameters(equation, array),
            f") -> {returned}:",
            f'    """{doc}"""',
            '    raise NotImplementedError("write the formula above")',
            "",
        ]
    )


def procedural(procedure: Procedure[..., Any]) -> str:
    """The same for a procedure: its types are plain, and nothing but those is imported."""
    name = procedure.id.split(".")[-1]
    signature = f"def {name}({procedure.signature}) -> {procedure.gives}:"
    doc = procedure.doc.partition("\n")[0].replace("\\", "\\\\").replace('"""', "'''")
    return "\n".join(
        [
            f'"""{procedure.id}."""',
            "",
            *(["from collections.abc import Mapping", ""] if "Mapping" in signature else []),
            "import attnspec",
            "",
            *(f"# {line}".rstrip() for line in procedure.body.splitlines()),
            "",
            "",
            f"@attnspec.implements({json.dumps(procedure.id)})",
            signature,
            f'    """{doc}"""',
            '    raise NotImplementedError("write the procedure above")',
            "",
        ]
    )


def _parameters(equation: Equation[..., Any], array: str) -> list[str]:
    """A line each, with its shape and meaning."""
    definition = equation.definition
    lines = [line for each in definition.parameters for line in _parameter(each, array, definition.id)]
    lines += ["    *,"] if definition.options else []
    return lines + [f"    {option.name}: {option.kind}," for option in definition.options]


def _parameter(parameter: Parameter, array: str, id: str) -> list[str]:
    means = symbol(parameter.name, id).meaning
    if parameter.layer is None:
        return [f"    {parameter.name}: {array},  # ({', '.join(map(str, parameter.dims))}), {means}"]
    each = ", ".join(each.name for each in parameter.layer.takes)
    return [f"    {parameter.name}: tuple[tuple[{array}, ...], ...],  # {means}: {each}"]

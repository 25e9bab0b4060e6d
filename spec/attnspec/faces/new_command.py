"""`attnspec new ID`: write the start of an implementation."""

from __future__ import annotations

import json
import keyword
from typing import Any

import click

from attnspec.errors import SpecError, UnknownName, nearest
from attnspec.faces.template_files import TEMPLATES, write_new
from attnspec.implementation import FRAMEWORKS
from attnspec.interpreters.formula import formula
from attnspec.language.equation import Equation
from attnspec.language.procedure import Procedure, specified
from attnspec.language.registry import name_in_family
from attnspec.language.tree import Parameter

ARRAY_TYPES = {
    "numpy": ("import numpy as np", "np.ndarray"),
    "torch": ("import torch", "torch.Tensor"),
    "jax": ("import jax.numpy as jnp", "jnp.ndarray"),
}
"""{framework: (import statement, type of its arrays)}."""


def write_starter(id: str, framework: str | None, output: str | None, *, module: bool = False) -> None:
    """Print the start of an implementation, or write it to a file.

    Args:
        framework: "numpy", "torch" or "jax" for an equation, None for a procedure.
        output: the file; None prints.
        module: whether it is a module of PyTorch that keeps the weights, instead of a function.

    Raises:
        UnknownName: there is no such equation, procedure or framework.
        SpecError: an equation needs a framework, or a procedure has none; the file exists, or cannot be written.
    """
    if framework is not None and framework not in FRAMEWORKS:
        is_template = framework in TEMPLATES
        mend = f"attnspec new --template {framework}" if is_template else nearest(framework, FRAMEWORKS)
        raise UnknownName(f"no framework {framework!r}", given=framework, expected=", ".join(FRAMEWORKS), mend=mend)
    entry = specified(id)
    if isinstance(entry, Procedure):
        if framework is not None or module:
            given = "--module" if module else f"--framework {framework}"
            raise SpecError(f"{id} is a procedure, and takes no arrays", given=given, mend="leave it out")
        text = procedure_starter(entry)
    elif module:
        if framework not in (None, "torch") or any(each.layer is not None for each in entry.definition.parameters):
            given = f"--framework {framework}" if framework else f"{id}, whose argument is a list of layers"
            raise SpecError("a module is one of PyTorch, with its own weights", given=given, mend="leave out --module")
        text = module_starter(entry)
    elif framework is None:
        raise SpecError(f"{id} needs a framework", expected=", ".join(FRAMEWORKS), mend="--framework numpy")
    else:
        text = equation_starter(entry, framework)
    if output is None:
        click.echo(text, nl=False)
        return
    write_new(output, text)
    click.echo(f"{output}: fill in the body, then\n  attnspec verify {output}")


def equation_starter(equation: Equation[..., Any], framework: str) -> str:
    """Return a Python file with everything but the body of the function."""
    import_statement, array = ARRAY_TYPES[framework]
    name = name_in_family(equation.id)
    name = f"{name}_" if keyword.iskeyword(name) else name
    results = [array] * len(equation.definition.results)
    returned = array if len(results) == 1 else f"tuple[{', '.join(results)}]"
    return "\n".join(
        [
            f'"""{equation.id} for {framework}."""',
            "",
            "import attnspec",
            import_statement,
            "",
            *(f"# {line}".rstrip() for line in formula.text(equation.definition).splitlines()),
            "",
            "",
            f'@attnspec.implements({json.dumps(equation.id)}, framework="{framework}")',
            f"def {name}(",
            *_parameters(equation, array),
            f") -> {returned}:",
            f'    """{_first_line(equation.doc)}"""',
            '    raise NotImplementedError("write the formula above")',
            "",
        ]
    )


def module_starter(equation: Equation[..., Any]) -> str:
    """Return a Python file with a module of PyTorch that keeps the weights, without the body of its call."""
    definition = equation.definition
    weights = [each for each in definition.parameters if each.symbol.weight]
    inputs = [each for each in definition.parameters if each not in weights]
    sizes = list(dict.fromkeys(name for each in weights for dim in each.dims for name in sorted(dim.names)))
    options = [f"{option.name}: {option.kind}" for option in definition.options]
    made = ", ".join(["self", *(f"{name}: int" for name in sizes), *options])
    taken = ", ".join(["self", *(f"{each.name}: torch.Tensor" for each in inputs)])
    results = ["torch.Tensor"] * len(definition.results)
    returned = results[0] if len(results) == 1 else f"tuple[{', '.join(results)}]"
    kept = [
        f"self.{each.name} = nn.Parameter(torch.empty({_shape(each)}))  # {each.symbol.meaning}" for each in weights
    ]
    kept += [f"self.{option.name} = {option.name}" for option in definition.options]
    return "\n".join(
        [
            f'"""{equation.id} as a module."""',
            "",
            "import attnspec",
            "import torch",
            "from torch import nn",
            "",
            *(f"# {line}".rstrip() for line in formula.text(definition).splitlines()),
            "",
            "",
            f'@attnspec.implements({json.dumps(equation.id)}, framework="torch")',
            f"class {equation.id.split('.')[-1].title().replace('_', '')}(nn.Module):",
            f'    """{_first_line(equation.doc)}"""',
            "",
            f"    def __init__({made}) -> None:",
            "        super().__init__()",
            *(f"        {line}" for line in kept),
            "",
            f"    def forward({taken}) -> {returned}:",
            '        raise NotImplementedError("write the formula above")',
            "",
        ]
    )


def _shape(parameter: Parameter) -> str:
    return ", ".join(map(str, parameter.dims)) if parameter.dims else "()"


def procedure_starter(procedure: Procedure[..., Any]) -> str:
    """Return a Python file with everything but the body of a procedure."""
    name = name_in_family(procedure.id)
    signature = f"def {name}({procedure.signature}) -> {procedure.gives}:"
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
            f'    """{_first_line(procedure.doc)}"""',
            '    raise NotImplementedError("write the procedure above")',
            "",
        ]
    )


def _first_line(doc: str) -> str:
    """Return the first line of a docstring, escaped for use in a docstring."""
    return doc.partition("\n")[0].replace("\\", "\\\\").replace('"""', "'''")


def _parameters(equation: Equation[..., Any], array: str) -> list[str]:
    """Return a line of the signature for each parameter, with its shape and meaning in a comment."""
    definition = equation.definition
    lines = [_parameter(parameter, array, definition.id) for parameter in definition.parameters]
    lines += ["    *,"] if definition.options else []
    return lines + [f"    {option.name}: {option.kind}," for option in definition.options]


def _parameter(parameter: Parameter, array: str, id: str) -> str:
    meaning = parameter.symbol.meaning
    if parameter.layer is None:
        return f"    {parameter.name}: {array},  # ({', '.join(map(str, parameter.dims))}), {meaning}"
    names = ", ".join(item.name for item in parameter.layer.takes)
    return f"    {parameter.name}: tuple[tuple[{array}, ...], ...],  # {meaning}: {names}"

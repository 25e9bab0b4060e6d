"""`attnspec new --template NAME`: a whole implementation that conforms, to be changed into another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import click

from attnspec.errors import SpecError, UnknownName, nearest


@dataclass(frozen=True, slots=True)
class Template:
    """A template.

    Attributes:
        files: its files in `attnspec/templates`, the first under the name that the user chooses.
        equation: the equation that it computes.
        verified: the commands that verify it, with {file} for its name.
    """

    files: tuple[str, ...]
    equation: str
    verified: tuple[str, ...] = ("attnspec verify {file}",)


BY_COMMAND = "attnspec verify command:./kernel --as scores.scaled_dot --claim batch=0"
TEMPLATES: Mapping[str, Template] = {
    "numpy": Template(("numpy.py.txt",), "attention.scaled_dot_product"),
    "torch": Template(("torch.py.txt",), "attention.scaled_dot_product"),
    "module": Template(("module.py.txt",), "transformer.layer_norm"),
    "jax": Template(("jax.py.txt",), "attention.scaled_dot_product"),
    "keras": Template(("keras.py.txt",), "transformer.linear"),
    "triton": Template(("triton.py.txt",), "attention.weights", ("attnspec verify {file} --device cuda",)),
    "onnx": Template(
        ("onnx.py.txt",), "scores.scaled_dot", ("python {file}", "attnspec verify scores.onnx --as scores.scaled_dot")
    ),
    "c": Template(("command.c",), "scores.scaled_dot", ("cc {file} -lm -o kernel", BY_COMMAND)),
    "rust": Template(("command.rs",), "scores.scaled_dot", ("rustc --edition 2021 {file} -o kernel", BY_COMMAND)),
    "library": Template(
        ("library.c", "attnspec.h"),
        "scores.scaled_dot",
        (
            "cc -shared -fPIC {file} -lm -o libscores.so",
            "attnspec verify ./libscores.so:scaled_dot --as scores.scaled_dot --claim batch=0",
        ),
    ),
}
"""{name: template}."""


def write_template(name: str, output: str | None) -> None:
    """Print a template, or write it to a file, with its other files beside it.

    Args:
        name: the name of the template.
        output: the file; None prints.

    Raises:
        UnknownName: there is no such template.
        SpecError: a file exists, or cannot be written; or a template of several files is to be printed.
    """
    template = TEMPLATES.get(name)
    if template is None:
        mend = nearest(name, TEMPLATES)
        raise UnknownName(f"no template {name!r}", given=name, expected=", ".join(TEMPLATES), mend=mend)
    texts = [files("attnspec").joinpath("templates", each).read_text(encoding="utf-8") for each in template.files]
    if output is None:
        if len(texts) > 1:
            raise SpecError(f"{name} has {len(texts)} files", given=", ".join(template.files), mend="-o kernel.c")
        click.echo(texts[0], nl=False)
        return
    places = [output, *(str(Path(output).with_name(each)) for each in template.files[1:])]
    for place in places:
        if Path(place).exists():
            raise exists(place)
    for place, text in zip(places, texts, strict=True):
        write_new(place, text)
    commands = "\n".join(f"  {command.format(file=output)}" for command in template.verified)
    click.echo(f"{', '.join(places)}: {template.equation}, which conforms; change it, and verify it by\n{commands}")


def write_new(output: str, text: str) -> None:
    """Write a file that does not exist yet.

    Raises:
        SpecError: it exists, or cannot be written.
    """
    try:
        with Path(output).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise exists(output) from error
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise SpecError(f"cannot write {output}", given=str(error), mend="name a folder that exists") from error


def exists(output: str) -> SpecError:
    """The error for a file that would be overwritten."""
    return SpecError(f"{output} exists already", given=output, mend="name another file, or move it")

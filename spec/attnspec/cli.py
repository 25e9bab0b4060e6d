"""attnspec on the command line. Only click is imported at once, so that help costs nothing; the faces do the rest."""

from __future__ import annotations

import re
import sys
from typing import Any

import click

from attnspec import __version__

UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}


class Faces(click.Group):
    """The commands; whatever they raise becomes a message and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except (KeyboardInterrupt, Exception) as error:
            from attnspec.faces.errors import print_error

            ctx.exit(print_error(error))


def _bytes(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """--memory-limit 4G, in bytes."""
    if value is None:
        return None
    given = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]?)(?:i?B)?", value, re.IGNORECASE)
    if given is None or not float(given[1]):
        raise click.BadParameter(f"{value!r} is no amount of memory; write 4G or 512M", ctx, param)
    return int(float(given[1]) * 2 ** UNITS[given[2].upper()])


def _pairs(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> dict[str, str] | None:
    """--bind query=q, as {"query": "q"}."""
    pairs: dict[str, str] = {}
    for given in value:
        theirs, _, ours = given.partition("=")
        if not (theirs and ours):
            raise click.BadParameter(f"{given!r} is no pair; write PARAMETER=NAME, as in query=q", ctx, param)
        if theirs in pairs:
            raise click.BadParameter(f"{theirs!r} is given twice", ctx, param)
        pairs[theirs.strip()] = ours.strip()
    return pairs or None


def _sizes(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> dict[str, str]:
    """--sizes n=1024,d=64 --sizes m=1024, as names and what is said of them."""
    sizes: dict[str, str] = {}
    for given in ",".join(value).split(",") if value else ():
        name, _, number = (part.strip() for part in given.partition("="))
        if not (name and number):
            raise click.BadParameter(f"{given!r} is no size; write NAME=NUMBER, as in n=1024", ctx, param)
        if name in sizes:
            raise click.BadParameter(f"{name!r} is given twice", ctx, param)
        sizes[name] = number
    return sizes


def _names(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...] | None:
    """--dtype float32,float64 --dtype bfloat16, as one list."""
    return tuple(name.strip() for given in value for name in given.split(",") if name.strip()) or None


@click.group(cls=Faces, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="attnspec %(version)s")
def main() -> None:
    """The reference specification of the road from the RNN to the Transformer: equations, and verdicts on what
    implements them.

    Exit codes: 0 all conform; 1 some verdict is not "conforms"; 2 the question could not be asked; 3 our own trouble.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal without ∈ shows something else, and goes on


@main.command("list")
@click.argument("family", required=False)
@click.option("--json", "to_json", metavar="FILE|-", help="Write the catalogue as JSON; - is the standard output.")
def list_(family: str | None, to_json: str | None) -> None:
    """The catalogue, with what implements each row."""
    from attnspec.faces import list_command

    list_command.answer(family, to_json)


@main.command()
@click.argument("id")
@click.option("--mutants", is_flag=True, help="List every known mistake that a verdict would recognise.")
@click.option("--latex", is_flag=True, help="Show the formula in LaTeX.")
@click.option("--json", "to_json", is_flag=True, help="Print all of it as JSON.")
def show(id: str, mutants: bool, latex: bool, to_json: bool) -> None:
    """One equation: formula, shapes, symbols, sources, conventions, properties, mutants, implementations.

    Or one procedure, with its code.
    """
    from attnspec.faces import show_command

    show_command.answer(id, mutants=mutants, latex=latex, to_json=to_json)


NATURAL, SECONDS = click.IntRange(min=0), click.FloatRange(0, min_open=True)


@main.command()
@click.argument("targets", metavar="TARGET...", nargs=-1, required=True)
@click.option("--as", "equation", metavar="ID", help="The equation, where the target does not declare it.")
@click.option("--framework", metavar="F", help="Whose arrays it takes: numpy, torch or jax.")
@click.option("--dtype", metavar="D,...", multiple=True, callback=_names, help="float64, float32, float16 or bfloat16.")
@click.option("--device", metavar="D", help="cpu or cuda.")
@click.option("--examples", metavar="N", type=NATURAL, default=20, help="Cases drawn beyond the usual ones.  [20]")
@click.option("--seed", metavar="N", type=NATURAL, default=0, help="Of everything that is drawn.  [0]")
@click.option("--bind", metavar="P=NAME", multiple=True, callback=_pairs, help="A parameter, and the equation's name.")
@click.option("--policy", metavar="P", help="The precision policy to judge under; else claimed, or inferred.")
@click.option("--inputs", metavar="FILE", multiple=True, help="Recorded cases to ask besides: .npz, .safetensors.")
@click.option("--name", "names", metavar="P=NAME", multiple=True, callback=_pairs, help="A parameter; its name there.")
@click.option("--only-inputs", is_flag=True, help="Ask nothing but the recorded cases.")
@click.option("--backward", is_flag=True, help="Judge its gradients, through automatic differentiation.")
@click.option("--claim", metavar="C=VALUE", multiple=True, callback=_pairs, help="Beside what is declared: batch=0.")
@click.option("--time-limit", metavar="S", type=SECONDS, default=30.0, help="For one call of the candidate.  [30]")
@click.option("--memory-limit", metavar="SIZE", callback=_bytes, help="What the candidate may hold, such as 4G.")
@click.option("--known", metavar="FILE", help="Known departures, in TOML: what is listed does not fail the run.")
@click.option("--jobs", metavar="N", type=click.IntRange(min=1), default=1, help="In so many processes.  [1]")
@click.option("--json", "to_json", metavar="FILE|-", help="Keep each verdict as JSON; - is the standard output.")
@click.option("--quiet", is_flag=True, help="Say only what does not conform.")
@click.pass_context
def verify(
    ctx: click.Context,
    /,
    targets: tuple[str, ...],
    known: str | None,
    jobs: int,
    to_json: str | None,
    quiet: bool,
    **given: Any,
) -> None:
    """Judge implementations against the equations that they claim.

    TARGET is FILE.py, FILE.py:callable, pkg.module or pkg.module:callable. The options --dtype, --bind, --inputs,
    --name and --claim may be repeated. A claim is batch=0 (no leading batch axes; 0,1 is usual, and 0,1,2 asks
    for two of them too), smallest.t=1 (the smallest size of an axis), form=NAME (an equal rewriting accepted at any
    loss), or yes or no for finite, contiguous,
    deterministic and double_backward.
    """
    from attnspec.faces import verify_command
    from attnspec.implementation import claimed
    from attnspec.verification.options import VerifyOptions, dtype_names

    options = VerifyOptions(
        claim=claimed(given.pop("claim") or {}),
        memory_bytes=given.pop("memory_limit"),
        dtypes=dtype_names(given.pop("dtype")),
        **given,
    )
    ctx.exit(verify_command.answer(targets, options, to_json, quiet=quiet, known=known, jobs=jobs))


@main.command()
@click.argument("id")
@click.option("--framework", metavar="F", help="Whose arrays it takes: numpy, torch or jax; a procedure takes none.")
@click.option("-o", "--output", metavar="FILE", help="Write it there; a file that is there already is left alone.")
def new(id: str, framework: str | None, output: str | None) -> None:
    """A file to start an implementation from."""
    from attnspec.faces import new_command

    new_command.answer(id, framework, output)


@main.command()
@click.argument("id")
@click.option("--sizes", metavar="N=NUMBER,...", multiple=True, callback=_sizes, help="Every named size: n=1024,d=64.")
@click.option("--block", metavar="B", type=click.IntRange(min=1), help="Take the weights of attention in blocks of B.")
@click.option("--json", "to_json", is_flag=True, help="Print all of it as JSON.")
def cost(id: str, sizes: dict[str, str], block: int | None, to_json: bool) -> None:
    """What an equation costs for one example: parameters, operations, elements held, steps that wait for each other.

    As formulas of its sizes and, with --sizes, as numbers.
    """
    from attnspec.faces import cost_command

    cost_command.answer(id, sizes, block=block, to_json=to_json)

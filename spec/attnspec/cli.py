"""The command line of attnspec. A command imports what it needs when it runs, so that help is quick."""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import click

from attnspec import __version__

UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
"""{unit of a memory size: exponent of 2}."""


class Commands(click.Group):
    """The commands. An error that one raises becomes a message and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except (KeyboardInterrupt, Exception) as error:
            from attnspec.faces.errors import print_error

            ctx.exit(print_error(error))


def _bytes(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Return the bytes of a size of memory, such as 4G."""
    if value is None:
        return None
    size = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]?)(?:i?B)?", value, re.IGNORECASE)
    if size is None or not float(size[1]):
        raise click.BadParameter(f"{value!r} is not a size of memory; write 4G or 512M", ctx, param)
    return int(float(size[1]) * 2 ** UNITS[size[2].upper()])


PAIRS = {"settings": "dim=-1", "same": "x_kv=x_q", "weights": "W_q=in_proj_weight[0:c].T", "claim": "batch=0"}
"""{parameter of a command that takes pairs: an example of one}; others take names of arguments."""


def _pairs(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> dict[str, str] | None:
    """Return {"query": "q"} for ("query=q",)."""
    pairs: dict[str, str] = {}
    for text in value:
        key, _, name = text.partition("=")
        if not (key and name):
            form, example = param.metavar or "P=NAME", PAIRS.get(param.name or "", "query=q")
            raise click.BadParameter(f"{text!r} is not a pair; write {form}, as in {example}", ctx, param)
        if key in pairs:
            raise click.BadParameter(f"{key!r} is given twice", ctx, param)
        pairs[key.strip()] = name.strip()
    return pairs or None


def _sizes(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> dict[str, str]:
    """Return {"n": "1024", "d": "64"} for ("n=1024,d=64",)."""
    sizes: dict[str, str] = {}
    for text in ",".join(value).split(",") if value else ():
        name, _, number = (part.strip() for part in text.partition("="))
        if not (name and number):
            raise click.BadParameter(f"{text!r} is not a size; write NAME=NUMBER, as in n=1024", ctx, param)
        if name in sizes:
            raise click.BadParameter(f"{name!r} is given twice", ctx, param)
        sizes[name] = number
    return sizes


def _names(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return ("float32", "float64", "bfloat16") for ("float32,float64", "bfloat16")."""
    return tuple(name.strip() for text in value for name in text.split(",") if name.strip()) or None


def _load(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Import the files and modules that define equations: those that are given, else those of pyproject.toml."""
    from attnspec.faces import project
    from attnspec.language import definitions

    places = value or project.equations()
    definitions.load(places)
    return places


def _ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The ids of the catalogue that begin so, for the completion of a shell."""
    from attnspec.language.equation import REGISTRY
    from attnspec.language.procedure import PROCEDURES

    return [id for id in (*REGISTRY, *PROCEDURES) if id.startswith(incomplete)]


@contextmanager
def _rare_collection() -> Iterator[None]:
    """Within it, Python looks for cycles less often: a verdict makes many small objects, and hardly any cycles."""
    usual = gc.get_threshold()
    gc.set_threshold(50_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


own_equations = click.option(
    "--equations",
    metavar="PLACE",
    multiple=True,
    callback=_load,
    help="FILE.py or module that defines equations; may be repeated.",
)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="attnspec %(version)s")
def main() -> None:
    """The reference specification of the road from the RNN to the Transformer: equations, and verdicts on their
    implementations.

    Exit codes: 0 all conform; 1 some verdict is not "conforms"; 2 the input is wrong; 3 internal error.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal without ∈ shows its code


@main.command("list")
@click.argument("family", metavar="[FAMILY|WORD]", required=False)
@click.option("--like", metavar="ID|WORD", help="List equations that are like another one, or that use an operation.")
@click.option("--json", "to_json", metavar="FILE|-", help="Write the catalogue as JSON; - is the standard output.")
@own_equations
def list_(family: str | None, like: str | None, to_json: str | None, equations: tuple[str, ...]) -> None:
    """List the catalogue, a family, or what mentions a word, with the implementations of each entry."""
    from attnspec.faces import list_command

    list_command.print_catalogue(family, to_json, like)


@main.command()
@click.argument("id", shell_complete=_ids)
@click.option("--mutants", is_flag=True, help="List every known mistake that a verdict would recognise.")
@click.option("--unicode", "form", flag_value="text", default=True, help="Show the formula in Unicode, the default.")
@click.option("--latex", "form", flag_value="latex", help="Show the formula in LaTeX.")
@click.option("--mathml", "form", flag_value="mathml", help="Show the formula in MathML Core.")
@click.option("--formula", "only_formula", is_flag=True, help="Show the formula alone, to paste it elsewhere.")
@click.option("--figure", type=click.Choice(["svg", "json", "text"]), help="Show the data flow alone, in this form.")
@click.option("--gradient", is_flag=True, help="Show the gradient that is derived from the equation instead.")
@click.option("--json", "to_json", is_flag=True, help="Print everything as JSON.")
@own_equations
def show(
    id: str,
    mutants: bool,
    form: str,
    only_formula: bool,
    figure: str | None,
    gradient: bool,
    to_json: bool,
    equations: tuple[str, ...],
) -> None:
    """Show an equation: formula, shapes, symbols, sources, conventions, properties, mutants, implementations.

    Or a procedure, with its code.
    """
    from attnspec.faces import show_command

    if figure is not None:
        show_command.print_figure(id, figure, gradient=gradient)
    elif only_formula:
        show_command.print_formula(id, form, gradient=gradient)
    else:
        show_command.print_entry(id, mutants=mutants, form=form, gradient=gradient, to_json=to_json)


NATURAL, SECONDS = click.IntRange(min=0), click.FloatRange(0, min_open=True)


@main.command()
@click.argument("targets", metavar="TARGET...", nargs=-1, required=True)
@click.option(
    "--as", "equation", metavar="ID", shell_complete=_ids, help="Equation, if the target does not declare it."
)
@click.option("--framework", metavar="F", help="Framework of the arrays: numpy, torch or jax.")
@click.option("--dtype", metavar="D,...", multiple=True, callback=_names, help="Storage dtypes, such as float32.")
@click.option("--device", metavar="D", help="Device: cpu, cuda or cuda:N.")
@click.option(
    "--examples", metavar="N", type=NATURAL, default=20, help="Random cases in addition to the fixed suite.  [20]"
)
@click.option("--seed", metavar="N", type=NATURAL, default=0, help="Random seed.  [0]")
@click.option(
    "--bind", metavar="P=NAME", multiple=True, callback=_pairs, help="Parameter, and its name in the equation."
)
@click.option(
    "--set",
    "settings",
    metavar="P=VALUE",
    multiple=True,
    callback=_pairs,
    help="Parameter that the equation lacks, or option that is built in, and its value.",
)
@click.option("--axes", metavar="LETTERS", help="Order of the axes, such as BNHD; B and H are batch axes.")
@click.option("--returns", metavar="I,...", help="Where the results are in what it returns, such as 0 or 0,1.0.")
@click.option(
    "--same",
    metavar="P=Q",
    multiple=True,
    callback=_pairs,
    help="Argument that is not taken, as it is Q.",
)
@click.option(
    "--weights",
    metavar="P=PLACE",
    multiple=True,
    callback=_pairs,
    help="Where it keeps an argument, such as W_q=in_proj_weight[0:c].T.",
)
@click.option("--policy", metavar="P", help="Precision policy; by default the claimed one, or inferred.")
@click.option("--inputs", metavar="FILE", multiple=True, help="Recorded cases to add: .npz or .safetensors.")
@click.option(
    "--name", "names", metavar="P=NAME", multiple=True, callback=_pairs, help="Parameter, and its name in --inputs."
)
@click.option("--only-inputs", is_flag=True, help="Judge on the recorded cases alone.")
@click.option(
    "--source",
    "sources",
    metavar="FILE",
    multiple=True,
    help="Source that it calls, in any language: the numbers in it are sizes and values too.",
)
@click.option("--backward", is_flag=True, help="Judge its gradients, by automatic differentiation.")
@click.option(
    "--claim", metavar="C=VALUE", multiple=True, callback=_pairs, help="Override a field of the declared claim."
)
@click.option("--time-limit", metavar="S", type=SECONDS, default=30.0, help="Time limit of one call, in seconds.  [30]")
@click.option(
    "--memory-limit", metavar="SIZE", callback=_bytes, help="Memory limit of the candidate's process, such as 4G."
)
@click.option("--known", metavar="FILE", help="Known departures, in TOML, which do not fail the run.")
@click.option("--jobs", metavar="N", type=click.IntRange(min=1), default=1, help="Number of worker processes.  [1]")
@click.option("--json", "to_json", metavar="FILE|-", help="Write each verdict as JSON; - is the standard output.")
@click.option("--quiet", is_flag=True, help="Print only verdicts that do not conform.")
@click.option("--coverage", is_flag=True, help="Print a table of what was asked after each verdict.")
@click.option(
    "--keep-case", metavar="FILE", help="Write the cases of the gravest verdict to an .npz file, for --inputs."
)
@click.option(
    "--minutes",
    metavar="N",
    type=click.FloatRange(0),
    default=0.0,
    help="Search on for a wrong answer, for so long in each verdict.",
)
@click.option(
    "--sizes",
    metavar="N=NUMBER,...",
    multiple=True,
    callback=_sizes,
    help="Also make one call at production sizes, such as n=131072,m=131072,d=128 or batch=4096, and judge every row.",
)
@click.option("--corpus", metavar="DIR", help="Ask the cases kept in DIR too, and keep there what is found.")
@click.option(
    "--resume", metavar="FILE", help="Append each verdict to FILE as it is reached, and go on from those in it."
)
@click.option("--case", metavar="SEED", type=NATURAL, help="Judge on one drawn case, the one with this seed.")
@click.option("--show-output", is_flag=True, help="Show what the candidate prints, on the standard error.")
@click.option(
    "--no-trace",
    "trace",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Do not watch the lines of a wrong candidate to describe where it departs.",
)
@click.option(
    "--no-function",
    "function",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Do not examine which function it computes, without rounding (the extra attnspec[exact]).",
)
@click.option("--watch", is_flag=True, help="Judge again whenever a file of the targets changes, until Ctrl-C.")
@own_equations
@click.pass_context
def verify(
    ctx: click.Context,
    /,
    targets: tuple[str, ...],
    known: str | None,
    jobs: int,
    to_json: str | None,
    quiet: bool,
    keep_case: str | None,
    coverage: bool,
    resume: str | None,
    watch: bool,
    **values: Any,
) -> None:
    """Judge implementations against the equations that they claim.

    TARGET is FILE.py, FILE.py:callable, pkg.module or pkg.module:callable; a callable may be a module of PyTorch or a
    class of modules. Or it is an exported file: MODEL.onnx, MODEL.onnx:PART, MODEL.pt2, MODEL.jax or
    MODEL.mlir; a function of a shared library: LIB.so:NAME; or a program that answers calls: "command:./kernel --flag".

    The options --dtype, --bind, --set, --same, --weights, --inputs, --name, --source and --claim may be repeated. A
    claim is batch=0 (the numbers of leading batch axes; 0,1 is the default, and 0,1,2 adds two of them), smallest.t=1
    (the smallest size of an axis), multiple.d=2 (a number that its sizes are multiples of), form=NAME (an equal
    rewriting accepted at any loss of bits), or yes or no for finite, contiguous, deterministic and double_backward.
    deterministic=runs,batch,splits claims answers that are equal bit by bit over these, splits.PARAMETER=1,2,4 that
    they are right for each of these values.
    """
    from attnspec.verification.sandbox.runner import Runner

    if watch and (resume or to_json == "-"):
        raise click.UsageError(f"--watch has no {'--resume' if resume else '--json -'}, as it begins anew each time")
    memory = values.pop("memory_limit")
    limits = {"memory_bytes": memory, "time_limit": values["time_limit"], "show_output": values["show_output"]}
    with _rare_collection(), Runner(**limits) as runner:
        runner.start_ahead()  # the candidate's process starts while this one imports the rest
        from attnspec.faces import verify_command
        from attnspec.implementation import parse_claim
        from attnspec.verification.options import VerifyOptions, dtype_names

        options = VerifyOptions(
            claim=parse_claim(values.pop("claim") or {}),
            memory_bytes=memory,
            dtypes=dtype_names(values.pop("dtype")),
            **values,
        )

        def judge(runner: Runner) -> int:
            return verify_command.verify_targets(
                targets,
                options,
                to_json,
                quiet=quiet,
                known=known,
                jobs=jobs,
                keep_case=keep_case,
                coverage=coverage,
                resume=resume,
                runner=runner,
            )

        watched = None
        if watch:
            from attnspec.faces.watch import Watch

            watched = Watch(targets, options)
        exit_code = judge(runner)
    if watched is not None:
        exit_code = watched.judge_again(judge, partial(Runner, **limits), exit_code)
    ctx.exit(exit_code)


def _reporting(command: Callable[..., None]) -> Callable[..., None]:
    """The options of `gate` and `merge`."""
    options = [
        click.option(
            "--json", "to_json", metavar="FILE|-", help="Write each verdict as JSON; - is the standard output."
        ),
        click.option("--junit", metavar="FILE", help="Write the verdicts as JUnit XML."),
        click.option("--sarif", metavar="FILE", help="Write those that fail as SARIF, at the lines of the candidates."),
        click.option("--summary", metavar="FILE", help="Write a summary in Markdown, for a pull request."),
        click.option(
            "--badge", metavar="FILE", help="Write a badge: SVG if the name ends in .svg, else for shields.io."
        ),
        click.option("--mutants", metavar="FILE", help="Write the mistakes that were tried, in Stryker's schema."),
        click.option("--github", is_flag=True, help="Print annotations for GitHub's workflows."),
        click.option("--quiet", is_flag=True, help="Print only verdicts that neither conform nor are known."),
        click.option("--known-from", metavar="REV", default="", help="Read the known failures at a revision of git."),
        click.option("--accept", is_flag=True, help="Add an entry to fill in to the known failures for each failure."),
        click.option("--lock", is_flag=True, help="Write attnspec.lock, which holds what each equation is, anew."),
        click.option("--fail-overdue", is_flag=True, help="Fail if a review date passed over 14 days ago; for nights."),
        own_equations,
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _run_gate(values: dict[str, Any]) -> int:
    from attnspec.faces import gate_command
    from attnspec.faces.gate_outputs import Outputs

    outputs = Outputs(**{name: values.pop(name) for name in Outputs.__dataclass_fields__})
    return gate_command.run_gate(outputs=outputs, **values)


@main.command()
@click.argument("target")
@click.option(
    "--as", "equation", metavar="ID", shell_complete=_ids, help="Equation, if the target does not declare it."
)
@click.option("--framework", metavar="F", help="Framework of the arrays: numpy, torch or jax.")
@click.option("--dtype", metavar="D", help="Storage dtype, such as float32.")
@click.option("--device", metavar="D", help="Device: cpu, cuda or cuda:N.")
@click.option(
    "--bind", metavar="P=NAME", multiple=True, callback=_pairs, help="Parameter, and its name in the equation."
)
@click.option("--sizes", metavar="N=NUMBER,...", multiple=True, callback=_sizes, help="Named sizes: n=512,d=64.  [64]")
@click.option("--batch", metavar="B,...", help="Sizes of the batch axes, such as 2,8; none for no axis.  [8]")
@click.option("--rounds", metavar="N", type=click.IntRange(min=1), default=7, help="How often each is measured.  [7]")
@click.option("--json", "to_json", metavar="FILE|-", help="Write the measurements as JSON; - is the standard output.")
@own_equations
@click.pass_context
def bench(
    ctx: click.Context,
    /,
    target: str,
    dtype: str | None,
    sizes: dict[str, str],
    batch: str | None,
    rounds: int,
    to_json: str | None,
    **values: Any,
) -> None:
    """Measure an implementation beside the installed ones: time, memory, bits and verdict in one table.

    All are judged first, then measured in turn, in processes of their own. One that is wrong is shown as wrong, however
    fast it is. The exit code is 0 if the target conforms.
    """
    from attnspec.faces import bench_command
    from attnspec.verification.options import VerifyOptions, dtype_names

    options = VerifyOptions(dtypes=dtype_names(dtype), function=False, **values)
    axes = bench_command.batch_axes(batch)
    ctx.exit(bench_command.print_benchmark(target, options, sizes=sizes, batch=axes, rounds=rounds, to_json=to_json))


@main.command()
@click.argument("cases", metavar="CASE...", nargs=-1, required=True)
@click.option("--target", metavar="TARGET", help="The candidate, if it is not where it was.")
@click.option("--script", "to_script", metavar="FILE.py", help="Write a Python file that shows the fault by itself.")
@click.pass_context
def replay(ctx: click.Context, cases: tuple[str, ...], target: str | None, to_script: str | None) -> None:
    """Ask kept cases again: fixed, still failing, or cannot run.

    CASE is a file that attnspec verify --keep-case wrote, or a folder of such files. The candidate is called on these
    cases alone, and its answers are judged under the same policy as before.

    Exit codes: 0 all are fixed; 1 some still fail; 2 some cannot be run, or the input is wrong.
    """
    from attnspec.faces import replay_command

    ctx.exit(replay_command.replay_files(cases, target, to_script))


@main.command()
@_reporting
@click.option("--jobs", metavar="N", type=click.IntRange(min=1), default=1, help="Number of worker processes.  [1]")
@click.option("--no-cache", "cache", is_flag=True, flag_value=False, default=True, help="Compute every verdict anew.")
@click.option(
    "--minutes",
    metavar="M",
    type=click.FloatRange(min=0),
    default=0.0,
    help="The long lane: search on with other seeds, for nights.",
)
@click.option(
    "--dask", metavar="ADDRESS", default="", help="Verify on the workers of a cluster of dask: tcp://host:8786."
)
@click.option("--shard", metavar="I/N", help="Verify one of N shares, each on another machine; see attnspec merge.")
@click.option("--part", metavar="FILE", help="Write the share to this file.")
@click.pass_context
def gate(ctx: click.Context, /, shard: str | None, part: str | None, **values: Any) -> None:
    """Verify what pyproject.toml or attnspec.toml lists, for continuous integration.

    The settings are the table `gate` of [tool.attnspec] in the nearest pyproject.toml, or [gate] in attnspec.toml.
    """
    from attnspec.faces import gate_command
    from attnspec.faces.gate_parts import Share

    if values["dask"] and (values["jobs"] > 1 or values["minutes"] or shard):
        raise click.UsageError("--dask goes without --jobs, --minutes and --shard", ctx)
    if not (shard or part):
        ctx.exit(_run_gate(values))
    if not (shard and part):
        raise click.UsageError("--shard and --part belong together: --shard 1/4 --part part1.json", ctx)
    own = {name: values.pop(name) for name in ("quiet", "jobs", "cache", "known_from", "equations")}
    others = [f"--{name.removeprefix('to_').replace('_', '-')}" for name, value in values.items() if value]
    if others:
        raise click.UsageError(f"no {', '.join(others)} of a share; attnspec merge writes reports of all", ctx)
    ctx.exit(gate_command.run_share(Share.parse(shard), part, **own))


@main.command()
@click.argument("parts", nargs=-1, required=True, metavar="PART...")
@_reporting
@click.pass_context
def merge(ctx: click.Context, /, **values: Any) -> None:
    """Make one gate of the shares that several machines verified, by gate --shard I/N --part PART.

    It verifies nothing, needs the same settings, and reports what one machine would have.
    """
    ctx.exit(_run_gate(values))


@main.command()
@click.option("--framework", "frameworks", metavar="F,...", multiple=True, callback=_names, help="Frameworks.  [all]")
@click.option("--device", metavar="D", help="Device of PyTorch and JAX: cpu, cuda or cuda:N.")
@click.pass_context
def selftest(ctx: click.Context, frameworks: tuple[str, ...] | None, device: str | None) -> None:
    """Test the verifier on this machine: candidates that are right, wrong or dishonest must get their verdicts.

    It takes less than two minutes. Frameworks that are not installed are not run. Exit codes: 0 all verdicts are right;
    1 some are not, or none was run.
    """
    from attnspec.faces import selftest_command

    ctx.exit(selftest_command.print_selftest(frameworks or (), device))


@main.command()
@click.argument("id", required=False, shell_complete=_ids)
@click.option(
    "--template",
    metavar="T",
    help="Instead, a whole file that conforms: numpy, torch, module, jax, keras, triton, onnx, c, rust or library.",
)
@click.option("--framework", metavar="F", help="Framework of the arrays: numpy, torch or jax; none for a procedure.")
@click.option("--module", is_flag=True, help="Write a module of PyTorch that keeps the weights.")
@click.option("-o", "--output", metavar="FILE", help="Write to a file, which must not exist yet.")
@own_equations
def new(
    id: str | None,
    template: str | None,
    framework: str | None,
    module: bool,
    output: str | None,
    equations: tuple[str, ...],
) -> None:
    """Write the start of an implementation of ID; or, with --template, a whole one of some equation."""
    from attnspec.faces import new_command, template_files

    if template is not None:
        if id is not None or framework is not None or module:
            raise click.UsageError("--template stands alone, with -o: a template has an equation and a framework")
        template_files.write_template(template, output)
        return
    if id is None:
        raise click.UsageError("name the ID of an equation or procedure, or a --template")
    new_command.write_starter(id, framework, output, module=module)


@main.command()
@click.argument("id", shell_complete=_ids)
@click.option("--sizes", metavar="N=NUMBER,...", multiple=True, callback=_sizes, help="All named sizes: n=1024,d=64.")
@click.option("--block", metavar="B", type=click.IntRange(min=1), help="Compute attention weights in blocks of B.")
@click.option("--json", "to_json", is_flag=True, help="Print everything as JSON.")
@own_equations
def cost(id: str, sizes: dict[str, str], block: int | None, to_json: bool, equations: tuple[str, ...]) -> None:
    """Show what an equation costs for one example: parameters, operations, memory and sequential steps.

    The costs are formulas of its sizes and, with --sizes, numbers.
    """
    from attnspec.faces import cost_command

    cost_command.print_cost(id, sizes, block=block, to_json=to_json)


@main.command()
@click.argument("id", shell_complete=_ids)
@click.argument("target", required=False)
@click.option("-o", "--out", metavar="FILE", required=True, help="The picture to write, .png or .svg; data go to .npz.")
@click.option("--inputs", metavar="FILE", help="Recorded arrays to draw: .npz or .safetensors, as verify takes them.")
@click.option(
    "--name", "names", metavar="P=NAME", multiple=True, callback=_pairs, help="Parameter, and its name in --inputs."
)
@click.option(
    "--sizes", metavar="NAME=N", multiple=True, callback=_sizes, help="Sizes of a drawn example, as in t=24,u=8."
)
@click.option("--seed", metavar="N", type=NATURAL, default=0, help="Random seed of a drawn example.  [0]")
@click.option("--framework", metavar="F", help="Framework of the arrays of TARGET: numpy, torch or jax.")
@click.option("--dtype", metavar="D", help="Storage dtype of TARGET, such as float32.")
@click.option(
    "--bind", metavar="P=NAME", multiple=True, callback=_pairs, help="Parameter of TARGET, its name in the equation."
)
@own_equations
@click.pass_context
def plot(
    ctx: click.Context,
    /,
    id: str,
    target: str | None,
    out: str,
    inputs: str | None,
    names: dict[str, str] | None,
    sizes: dict[str, str],
    seed: int,
    framework: str | None,
    dtype: str | None,
    bind: dict[str, str] | None,
    equations: tuple[str, ...],
) -> None:
    """Draw what an equation computes: the weights of attention as a heat map, states and gates over time.

    With a TARGET, as verify takes it, its answer is drawn beside the equation's, and the error over its bound.
    Without --inputs the example is drawn at random. What is drawn is found in the equation, for equations of your own
    too. Matplotlib is needed: pip install "attnspec[plot]".
    """
    from attnspec.faces import plot_command

    if target is None:
        if framework or dtype or bind:
            raise click.UsageError("--framework, --dtype and --bind are those of a TARGET")
        plot_command.write_plot(id, out, inputs, names, sizes, seed)
        return
    from attnspec.verification.options import VerifyOptions, dtype_names

    options = VerifyOptions(
        equation=id,
        framework=framework,
        dtypes=dtype_names(dtype),
        bind=bind,
        names=names,
        seed=seed,
        equations=equations,
    )
    ctx.exit(plot_command.write_comparison(target, options, out, inputs, sizes))


@main.command()
@click.argument("names", metavar="ID|FAMILY...", nargs=-1, required=True)
@click.option("-o", "--out", metavar="DIR", required=True, help="The folder; each equation gets one of its name in it.")
@click.option(
    "--dtype",
    type=click.Choice(["float64", "float32", "float16", "bfloat16"]),
    default="float32",
    help="Storage dtype.  [float32]",
)
@own_equations
@click.pass_context
def vectors(ctx: click.Context, names: tuple[str, ...], out: str, dtype: str, equations: tuple[str, ...]) -> None:
    """Write test vectors, for kernels in any language: inputs, values, bounds, and the known mistakes they catch."""
    from attnspec.faces import vectors_command

    ctx.exit(vectors_command.write_vectors(names, out, dtype))


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete commands, options and ids.

    For bash, write it to a file and source that in .bashrc: attnspec completion bash > ~/.attnspec-complete.bash
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(main, {}, "attnspec", "_ATTNSPEC_COMPLETE").source())


@main.command("map")
@click.argument("equation", metavar="ID")
@click.argument("target")
@click.option("-o", "--out", metavar="FILE|-", required=True, help="The page to write; - is the standard output.")
@click.option("--framework", metavar="F", help="Framework of the arrays: numpy, torch or jax.")
@click.option("--dtype", metavar="D", help="Storage dtype, such as float32.")
@click.option("--seed", metavar="N", type=NATURAL, default=0, help="Random seed.  [0]")
@click.option(
    "--bind", metavar="P=NAME", multiple=True, callback=_pairs, help="Parameter, and its name in the equation."
)
@click.option("--axes", metavar="LETTERS", help="Order of the axes, such as BNHD; B and H are batch axes.")
@click.option("--claim", metavar="C=VALUE", multiple=True, callback=_pairs, help="Override a field of the claim.")
@own_equations
@click.pass_context
def map_(ctx: click.Context, /, target: str, out: str, dtype: str | None, **values: Any) -> None:
    """Write a page on which the formula, the figure and the code of an implementation stand side by side.

    A term that is pointed at lights up in all of them. The code is linked by the values of its arrays: it is judged as
    by attnspec verify, and what its lines compute is compared with the parts of the equation.
    """
    from attnspec.faces import map_command
    from attnspec.implementation import parse_claim
    from attnspec.verification.options import VerifyOptions, dtype_names

    options = VerifyOptions(claim=parse_claim(values.pop("claim") or {}), dtypes=dtype_names(dtype), **values)
    ctx.exit(map_command.write_map(target, options, out))


@main.command("docs")
@click.argument("targets", metavar="[TARGET]...", nargs=-1)
@click.option("-o", "--out", metavar="DIR", required=True, help="The folder to write the site to.")
@click.option("--as", "equation", metavar="ID", shell_complete=_ids, help="Equation, if the targets do not declare it.")
@click.option("--fresh", is_flag=True, help="Make all pages anew, also those of which nothing has changed.")
@own_equations
@click.pass_context
def docs(
    ctx: click.Context,
    targets: tuple[str, ...],
    out: str,
    equation: str | None,
    fresh: bool,
    equations: tuple[str, ...],
) -> None:
    """Write a site: an index, a page for each equation, and one for each implementation in the targets.

    With targets or --equations it is on these, else on the whole catalogue. A page is made anew if something of it has
    changed; a target in a file is judged anew if a Python file in its folder has changed, and a module always.
    """
    from attnspec.faces import docs_command
    from attnspec.verification.options import VerifyOptions

    options = VerifyOptions(equation=equation, equations=equations)
    ctx.exit(docs_command.write_site(out, targets, options, own=bool(equations), fresh=fresh))

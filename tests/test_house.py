"""The house keeps its rules: which way imports point, what is public, what importing costs, what the texts promise."""

from __future__ import annotations

import ast
import importlib
import io
import json
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from importlib.metadata import distribution
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import peers

ROOT = Path(__file__).resolve().parents[1]
SPEC, IMPLS = ROOT / "spec", ROOT / "impls"
PACKAGES = ("attnspec", "attnspec_numpy", "attnspec_torch", "attnspec_peers")

GROUND = frozenset({"errors", "implementation", "thresholds"})
FACES = frozenset({"__main__", "cli", "pytest", "sphinx", "testing"})
PUBLIC = frozenset({"", "notation"})  # `from attnspec import …`, as users write it
REACH = {
    "language": GROUND,
    "notation": GROUND | {"language"},
    "interpreters": GROUND | {"language"},
    "equations": GROUND | PUBLIC | {"language"},
    "procedures": GROUND | PUBLIC | {"language"},
    "properties": GROUND | PUBLIC | {"language", "equations", "procedures"},
    "mutants": GROUND | PUBLIC | {"language", "equations", "procedures"},
    "rewritings": GROUND | PUBLIC | {"language", "equations"},
    "layouts": GROUND | PUBLIC | {"language", "equations"},
    "verification": GROUND | PUBLIC | {"language", "interpreters", "properties"},
    "pages": GROUND | PUBLIC | {"language", "interpreters", "verification"},
    "plots": GROUND | PUBLIC | {"language", "interpreters", "verification"},
    "vectors": GROUND | PUBLIC | {"language", "interpreters", "verification"},
    "selftest": GROUND | PUBLIC,
    "discovery": GROUND,
    "faces": GROUND
    | PUBLIC
    | {"language", "interpreters", "properties", "verification", "pages", "plots", "vectors", "selftest", "discovery"},
}
"""What each wing may import; a face may import every wing but no other face, the ground only the ground.

Nothing imports equations, procedures, mutants and rewritings but what is written about them: `language.registry` loads
them by name, and they register themselves.
"""

CATALOGUE = {"equations", "procedures", "mutants", "rewritings", "layouts"}

ROOMS = {
    "cases": frozenset[str](),
    "sandbox": frozenset[str](),
    "candidate": frozenset({"cases", "sandbox"}),
    "judge": frozenset({"cases", "candidate"}),
    "contract": frozenset({"cases", "sandbox", "candidate", "judge"}),
    "diagnosis": frozenset({"cases", "sandbox", "candidate", "judge", "contract"}),
    "function": frozenset({"cases", "sandbox", "candidate"}),
    "properties": frozenset({"cases"}),
    "equations": frozenset(
        {"cases", "sandbox", "candidate", "judge", "contract", "diagnosis", "function", "properties"}
    ),
    "procedures": frozenset({"sandbox", "candidate", "contract"}),
}
"""What each room of verification may import of the others.

`verdict`, `rendering` and `verifier` are for all rooms, and the modules beside the rooms may import all of them.
"""

DEPARTURES = {
    ("spec/attnspec/language/equation.py", "attnspec.interpreters.evaluation.call"): "an equation computes its value",
    ("spec/attnspec/language/equation.py", "attnspec.interpreters.rounding.noise"): "an equation has its noise",
    ("spec/attnspec/language/equation.py", "attnspec.interpreters.rounding.policy"): "an equation has its noise",
    ("spec/attnspec/language/equation.py", "attnspec.interpreters.mutation.mutants"): "an equation has its mutants",
    ("spec/attnspec/language/equation.py", "attnspec.interpreters.formula.formula"): "an equation shows its formula",
    ("spec/attnspec/language/equation.py", "attnspec.interpreters.figure.graph"): "an equation has its figure",
    ("spec/attnspec/language/equation.py", "attnspec.interpreters.figure.svg"): "an equation has its figure",
    ("spec/attnspec/language/equation.py", "attnspec.interpreters.cost.cost"): "an equation has its cost",
    ("spec/attnspec/language/equation.py", "attnspec.interpreters.gradient.gradient"): "an equation has its gradient",
    ("spec/attnspec/__main__.py", "attnspec.cli"): "`python -m attnspec` is the command line",
}
"""Imports against the arrows, each late and with its reason; one that is no longer there fails."""

HEAVY = ("torch", "triton", "jax", "onnx", "onnxruntime")


@dataclass(frozen=True)
class Import:
    """One import: by which file and line, of what module, of which name in it, and whether importing runs it."""

    file: Path
    line: int
    module: str
    name: str
    at_once: bool

    @property
    def parts(self) -> tuple[str, ...]:
        """The module reached, with the name where that is a module too."""
        parts = tuple(self.module.split("."))
        return (*parts, self.name) if self.name and is_module((*parts, self.name)) else parts

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}: {self.module} {self.name}".rstrip()


def is_module(parts: tuple[str, ...]) -> bool:
    path = (SPEC if parts[0] == "attnspec" else IMPLS).joinpath(*parts)
    return path.is_dir() or path.with_suffix(".py").is_file()


def sources(*roots: Path) -> list[Path]:
    return sorted(path for root in roots for path in root.rglob("*.py"))


def name_of(file: Path) -> tuple[str, ...]:
    """The dotted name of a source file, a package by its own name."""
    parts = file.relative_to(SPEC if file.is_relative_to(SPEC) else IMPLS).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


@cache
def imports(file: Path) -> tuple[Import, ...]:
    return tuple(found(file, ast.parse(file.read_text(encoding="utf-8")), at_once=True))


def found(file: Path, node: ast.AST, at_once: bool) -> Iterator[Import]:
    match node:
        case ast.Import(names=names):
            for alias in names:
                yield Import(file, node.lineno, alias.name, "", at_once)
        case ast.ImportFrom(module=module, names=names, level=level):
            for alias in names:
                yield Import(file, node.lineno, absolute(file, module, level), alias.name, at_once)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[ast.Constant(value=str(module)), *_]):
            if name in ("import_module", "__import__"):
                yield Import(file, node.lineno, module, "", at_once)
    for child in ast.iter_child_nodes(node):
        later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or only_for_types(node)
        yield from found(file, child, at_once and not later)


def absolute(file: Path, module: str | None, level: int) -> str:
    if not level:
        return module or ""
    package = name_of(file) if file.name == "__init__.py" else name_of(file)[:-1]
    return ".".join([*package[: len(package) - level + 1], *([module] if module else [])])


def only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def wing(parts: tuple[str, ...]) -> str:
    """The wing of attnspec that a module belongs to, or "" for the package itself."""
    return parts[1] if len(parts) > 1 else ""


def allowed(here: str) -> frozenset[str]:
    if here in GROUND:
        return GROUND
    return REACH[here] if here in REACH else GROUND | PUBLIC | (REACH.keys() - CATALOGUE)


def test_every_module_of_the_spec_has_a_wing() -> None:
    known = {"", *GROUND, *FACES, *REACH}
    strays = [str(file.relative_to(ROOT)) for file in sources(SPEC) if wing(name_of(file)) not in known]

    assert not strays, "no wing: say in GROUND, FACES or REACH what they may import"


def test_imports_follow_the_arrows() -> None:
    """faces → verification → interpreters → language ← equations, procedures ← properties, mutants, rewritings."""
    against = {
        (file.relative_to(ROOT).as_posix(), ".".join(item.parts)): str(item)
        for file in sources(SPEC)
        if (here := wing(name_of(file)))
        for item in imports(file)
        if item.parts[0] == "attnspec"
        if (there := wing(item.parts)) != here and there not in allowed(here)
    }

    assert not [shown for departure, shown in against.items() if departure not in DEPARTURES]
    assert not DEPARTURES.keys() - against.keys(), "no longer there: take it off the list"


def room(parts: tuple[str, ...]) -> str:
    """The room of verification that a module belongs to, or "" for a module beside the rooms."""
    return parts[2] if parts[:2] == ("attnspec", "verification") and len(parts) > 3 else ""


def test_the_rooms_of_verification_have_their_own_arrows() -> None:
    """cases, sandbox ← candidate ← judge ← contract ← diagnosis ← equations; procedures need no judge."""
    rooms = {path.name for path in (SPEC / "attnspec/verification").iterdir() if (path / "__init__.py").is_file()}
    leaves = {("attnspec", "verification", name) for name in ("verdict", "rendering", "verifier")}
    against = [
        str(item)
        for file in sources(SPEC / "attnspec/verification")
        if (here := room(name_of(file)))
        for item in imports(file)
        if item.parts[:2] == ("attnspec", "verification") and item.parts not in leaves
        if (there := room(item.parts)) != here and there not in ROOMS[here]
    ]

    assert rooms == ROOMS.keys()
    assert not against


def test_no_module_imports_itself_in_a_circle() -> None:
    """What modules import when they are imported has no circle, so that any of them may come first."""
    reached = {
        name_of(file): {item.parts for item in imports(file) if item.at_once and item.parts[0] == "attnspec"}
        for file in sources(SPEC)
    }
    order = TopologicalSorter({name: others & reached.keys() - {name} for name, others in reached.items()})

    order.prepare()  # it raises CycleError, which names the circle


def test_the_spec_imports_no_implementation() -> None:
    against = [str(item) for file in sources(SPEC) for item in imports(file) if item.module.startswith("attnspec_")]

    assert not against


def test_the_spec_imports_no_framework_at_once() -> None:
    against = [str(item) for file in sources(SPEC) for item in imports(file) if item.at_once and item.parts[0] in HEAVY]

    assert not against, "import it in the function that needs it"


def test_implementations_use_only_public_names() -> None:
    """What stands in impls/ is what a stranger's package would be."""
    public = importlib.import_module("attnspec").__all__
    against = [
        str(item)
        for file in sources(IMPLS)
        for item in imports(file)
        if item.module.split(".")[0] in PACKAGES
        if item.module.split(".")[0] != name_of(file)[0]
        if not (item.module == "attnspec" and (item.name == "" or item.name in public))
    ]

    assert not against, "from attnspec import " + ", ".join(public)


@pytest.mark.parametrize("name", [".".join(name_of(file)) for file in sources(SPEC, IMPLS) if file.stem == "__init__"])
def test_all_matches_reality(name: str) -> None:
    package = importlib.import_module(name)
    announced = list(getattr(package, "__all__", []))
    missing = [name for name in announced if not hasattr(package, name)]
    bound = set(names_bound(ast.parse(Path(package.__file__ or "").read_text(encoding="utf-8")).body))

    assert len(announced) == len(set(announced)), "a name stands twice in __all__"
    assert not missing, "in __all__, yet not there"
    assert bound == set(announced), "what __init__ binds is what it announces"


def names_bound(body: list[ast.stmt]) -> Iterator[str]:
    """The public names that the top of a module brings in from this project or defines, also those only typed there."""
    for node in body:
        if only_for_types(node):
            assert isinstance(node, ast.If)
            yield from names_bound(node.body)
        match node:
            case ast.ImportFrom(module=module, level=level, names=names):
                if level or (module or "").split(".")[0] in PACKAGES:
                    yield from (name for alias in names if not (name := alias.asname or alias.name).startswith("_"))
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                if not name.startswith("_"):
                    yield name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                if not name.startswith("_"):
                    yield name


SUPPRESSION = re.compile(r"#\s*(?:type:\s*ignore|noqa)\b")
REASONED = re.compile(r"#\s*(?:type:\s*ignore\[[\w, -]+\]|noqa:\s*[A-Z]+\d+(?:[, ]+[A-Z]+\d+)*)\s+#\s*\w+.*\w+")


@pytest.mark.parametrize(
    ("comment", "accepted"),
    [
        ("# type: ignore[arg-type]  # the stub forgets None", True),
        ("# noqa: E501  # a table of the paper", True),
        ("# noqa: E501, F401  # a table of the paper", True),
        ("# type: ignore[arg-type]", False),
        ("# type: ignore  # the stub forgets None", False),
        ("# noqa: E501", False),
        ("# noqa", False),
        ("# noqa: E501  # type: ignore[arg-type]", False),
    ],
)
def test_what_counts_as_a_reason(comment: str, accepted: bool) -> None:
    assert reasoned(comment) is accepted


def reasoned(comment: str) -> bool:
    """Whether every suppression in a comment names its rule and is followed by a reason."""
    starts = [match.start() for match in SUPPRESSION.finditer(comment)]
    return all(REASONED.match(comment[start:end]) for start, end in pairwise([*starts, len(comment)]))


def test_every_suppression_has_a_reason() -> None:
    against = [
        f"{file.relative_to(ROOT)}:{token.start[0]}: {token.string}"
        for file in sources(SPEC, IMPLS, ROOT / "tests", ROOT / "benchmarks")
        for token in tokenize.generate_tokens(io.StringIO(file.read_text(encoding="utf-8")).readline)
        if token.type == tokenize.COMMENT and not reasoned(token.string)
    ]

    assert not against, "write it as  # noqa: E501  # why,  or  # type: ignore[code]  # why"


def loaded_by(program: str) -> set[str]:
    """The top-level modules that a fresh Python holds after `program`."""
    report = "import sys, json; print('\\n' + json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", f"{program}\n{report}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_core_imports_no_arrays() -> None:
    assert not loaded_by("import attnspec") & {"numpy", "jaxtyping", *HEAVY}


def test_help_imports_no_arrays() -> None:
    program = "\n".join(
        [
            "import sys",
            "from attnspec.cli import main",
            "sys.argv = ['attnspec', '--help']",
            "try: main()",
            "except SystemExit as end: assert not end.code, end.code",
        ]
    )

    assert not loaded_by(program) & {"numpy", "hypothesis", *HEAVY}


def test_a_verdict_loads_only_what_it_needs(tmp_path: Path) -> None:
    """One family of the catalogue and no framework: a verdict from a cold start would wait for the rest."""
    candidate = tmp_path / "mine.py"
    candidate.write_text("import numpy as np\ndef dot(q, k):\n    return q @ np.swapaxes(k, -1, -2)\n")
    program = (
        "import sys, attnspec\n"
        f"found = attnspec.verify({f'{candidate}:dot'!r}, 'scores.dot', examples=3, function=False)\n"
        "assert found.passed, str(found)\n"
        "families = {name.split('.')[2] for name in sys.modules if name.startswith('attnspec.equations.')}\n"
        "assert families == {'_names', 'scores'}, families\n"
    )

    assert not loaded_by(program) & {"hypothesis", *HEAVY}


def test_every_package_is_typed_and_in_the_wheel() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for package in PACKAGES:
        root = SPEC if package == "attnspec" else IMPLS
        assert (root / package / "py.typed").is_file()
        assert f'"{root.name}/{package}"' in pyproject


def test_every_installed_requirement_is_pinned() -> None:
    pins, libraries = (pins_of(part) for part in CONSTRAINTS.split("\n# libraries\n"))
    needed = requirements("attnspec", frozenset({"torch", "peers", "dev"}))
    builds = {name for name in requirements("torch", frozenset()) if name.startswith(("nvidia-", "cuda-", "triton"))}

    pinned = {canonicalize_name(pin.name) for pin in pins}

    assert all(re.fullmatch(r"==[^*]+", str(pin.specifier)) for pin in [*pins, *libraries]), "every pin is exact"
    assert not sorted(needed - pinned - builds), "installed, yet not pinned"
    assert not sorted(pinned - needed), "pinned, yet nothing needs it"


def test_every_library_of_the_peers_is_an_extra_and_pinned() -> None:
    pins, libraries = (pins_of(part) for part in CONSTRAINTS.split("\n# libraries\n"))
    pinned = {canonicalize_name(pin.name) for pin in [*pins, *libraries]}
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    own = {Requirement(text).name for texts in extras.values() for text in texts} - {"attnspec"}

    assert {canonicalize_name(name) for name in peers.LIBRARIES.values()} <= {canonicalize_name(name) for name in own}
    assert {canonicalize_name(name) for name in peers.LIBRARIES.values()} <= pinned


CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")
"""The pins of what `make` installs, then those of what `make peers` installs besides."""


def pins_of(text: str) -> list[Requirement]:
    return [Requirement(line) for line in text.splitlines() if line and not line.startswith("#")]


def requirements(name: str, extras: frozenset[str]) -> set[str]:
    """What a distribution requires here, with what that requires."""
    reached: set[str] = set()
    waiting = [(name, extras)]
    seen = set()
    while waiting:
        if (asked := waiting.pop()) in seen:
            continue
        seen.add(asked)
        for text in distribution(asked[0]).requires or []:
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *asked[1]}):
                reached.add(canonicalize_name(requirement.name))
                waiting.append((requirement.name, frozenset(requirement.extras)))
    return reached - {"attnspec"}


def pages() -> list[Path]:
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def test_commands_in_the_texts_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    command = re.compile(r"(?:^|`)make ([a-z]+)", re.MULTILINE)
    told = {page.name: set(command.findall(page.read_text(encoding="utf-8"))) for page in pages()}

    assert {"verify", "test"} <= told["README.md"]
    assert not {page: names - targets for page, names in told.items() if names - targets}


def test_links_in_the_texts_lead_somewhere() -> None:
    dead = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages()
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if "://" not in link and not (page.parent / link).exists()
    ]

    assert not dead


MAP = ROOT / "docs/what-is-where.md"
MAPPED = ("spec/attnspec", "impls", "tests", "docs", "benchmarks", "examples")


def mapped() -> dict[str, str]:
    """The places on the page, from the root of the repository, each with its sentence."""
    found: dict[str, str] = {}
    folder = ""
    for line in MAP.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        names = re.findall(r"`([\w./]+)`", cells[0]) if line.startswith("| `") else []
        if names and names[0].strip("/") in MAPPED:
            folder, names = names[0], [""]
        found |= {(folder + name).rstrip("/"): cells[1] for name in names}
    return found


def test_the_map_shows_every_folder_once_with_a_sentence() -> None:
    folders = {
        path.relative_to(ROOT).as_posix()
        for root in MAPPED
        for path in [ROOT / root, *(ROOT / root).rglob("*")]
        if path.is_dir() and not path.name.startswith(("_", "."))
    }
    places = mapped()

    assert {place for place in places if not place.endswith(".py")} == folders
    assert not [place for place, sentence in places.items() if not (ROOT / place).exists() or len(sentence) < 5]
    assert len(MAP.read_text(encoding="utf-8").splitlines()) <= 60, "it no longer fits on a screen"


def test_the_house_in_the_readme_agrees_with_the_map() -> None:
    [house] = re.findall(
        r"^## The house\n+```\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    shown, folder = set(), ""
    for line in house.splitlines():
        names = re.findall(r"(?:^|\s)([\w/]+)/(?=\s|$)", line)
        folder = folder if line.startswith(" ") else names[0]
        shown |= {f"{folder}/{name}" if line.startswith(" ") else name for name in names}

    assert len(shown) > 10
    assert shown <= mapped().keys()

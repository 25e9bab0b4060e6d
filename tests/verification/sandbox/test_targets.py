"""The callables of a file, a module, a package or a live object, and targets that cannot be loaded."""

from __future__ import annotations

import functools
import pickle
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from attnspec.errors import TargetError
from attnspec.implementation import Claim, Implementation, implements
from attnspec.verification.sandbox.binding import Parameter
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.sandbox.targets import CallableInfo, File, MissingPackage, Module, Pickled
from attnspec.verification.targeting import parse_target


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner(start_limit=20) as runner:
        yield runner


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package on the path of this process, which the worker's takes over."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    home = tmp_path / "kernels_of_mine"
    write(home / "__init__.py", "from kernels_of_mine.cells import gru\ndef top(x): return x")
    write(
        home / "cells.py",
        """
        from attnspec.implementation import implements

        @implements("recurrent.gru_cell", framework="numpy")
        def gru(x): return x
        def helper(x): return x
        """,
    )
    write(home / "_shared.py", "def shared(x): return x")
    write(home / "deep" / "__init__.py", "")
    write(home / "deep" / "scores.py", "def score(q): return q")
    write(home / "broken.py", "import a_package_nobody_has")
    write(home / "__main__.py", "raise SystemExit('this is the command line')")
    return home


def write(path: Path, source: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.dedent(source).lstrip())
    return path


def names(callables: list[CallableInfo]) -> list[str]:
    return [info.name for info in callables]


def refusal(runner: Runner, target: Any) -> TargetError:
    with pytest.raises(TargetError) as caught:
        runner.load(target)
    return caught.value


def test_everything_a_declaration_says_arrives(runner: Runner, tmp_path: Path) -> None:
    path = write(
        tmp_path / "mine.py",
        '''
        import numpy as np
        from attnspec.implementation import implements

        @implements("a.first", framework="numpy", bind={"left": "x"}, dtypes=("float32",), smallest={"batch": 1})
        @implements("a.second", policy="flash", finite=True)
        def both(left, /, y, *rest, scale=1.0, **more):
            """Two at once.

            And more words.
            """

        def public(x): ...
        def _private(x): ...
        class Thing: ...
        alias = public
        ''',
    )
    both, public = runner.load(File(path))

    assert both == CallableInfo(
        name="both",
        module="mine",
        implementations=(
            Implementation("a.first", "numpy", Claim(dtypes=("float32",), smallest={"batch": 1}), {"left": "x"}),
            Implementation("a.second", None, Claim(policy="flash", finite=True), {}),
        ),
        parameters=(
            Parameter("left", "POSITIONAL_ONLY"),
            Parameter("y"),
            Parameter("rest", "VAR_POSITIONAL"),
            Parameter("scale", "KEYWORD_ONLY", True),
            Parameter("more", "VAR_KEYWORD"),
        ),
        framework="numpy",
        numbers=(1.0,),
        file=both.file,
        line=both.line,
    )
    assert (public.name, public.implementations) == ("public", ())
    assert names(runner.load(File(path, "public"))) == ["public"]


def test_a_file_finds_its_neighbours_and_may_be_called_like_a_library(runner: Runner, tmp_path: Path) -> None:
    write(tmp_path / "neighbour.py", "def help(x): return x")
    path = write(tmp_path / "numpy.py", "from neighbour import help\nimport sys\ndef f(x): return help(x)")

    assert names(runner.load(File(path))) == ["f"]


def test_a_package_is_searched_whole(runner: Runner, package: Path) -> None:
    found = runner.load(Module("kernels_of_mine"))

    assert names(found) == ["top", "cells.gru", "cells.helper", "deep.scores.score"]
    assert [each.equation for each in found[1].implementations] == ["recurrent.gru_cell"]
    [failure] = runner.failures
    assert isinstance(failure, MissingPackage)
    assert failure.missing == "a_package_nobody_has"
    assert names(runner.load(Module("kernels_of_mine", "cells.gru"))) == ["cells.gru"]
    assert names(runner.load(Module("kernels_of_mine.cells"))) == ["gru", "helper"]
    assert runner.failures == ()


def test_the_current_folder_is_searched(runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "in_this_folder.py", "def f(x): return x")
    monkeypatch.chdir(tmp_path)

    assert names(runner.load(Module("in_this_folder"))) == ["f"]


@pytest.mark.parametrize(
    ("source", "framework"),
    [
        ("import torch\nimport numpy as np\ndef f(x): return np.exp(x)", "torch"),
        ("import torch\nimport jax.numpy as jnp\ndef f(x): return jnp.exp(x)", "jax"),
        ("import jax\nimport numpy as np\n@jax.jit\ndef f(x): return x", "jax"),
        ("from torch import sigmoid\ndef f(x): return sigmoid(x)", "torch"),
        ("import torch\nclass M(torch.nn.Module):\n    def forward(self, x): return x\nf = M()", "torch"),
        ("import torch\nimport numpy as np\ndef f(x: np.ndarray): return x", "numpy"),
        ("from __future__ import annotations\nimport torch, jax\ndef f(x: torch.Tensor): return x", "torch"),
        ("def f(x):\n    import torch\n    return torch.exp(x)", "torch"),
        ("import numpy as np\ndef f(x): return x", "numpy"),
        ("def f(x): return x", None),
    ],
)
def test_framework_is_guessed(runner: Runner, tmp_path: Path, source: str, framework: str | None) -> None:
    if "torch" in source:
        pytest.importorskip("torch")
    if "jax" in source:
        pytest.importorskip("jax")
    [found] = runner.load(File(write(tmp_path / "guess.py", source), "f"))

    assert found.framework == framework
    assert [each.name for each in found.parameters] == ["x"]


def test_framework_is_guessed_through_other_modules(runner: Runner, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    write(tmp_path / "deep_kernels.py", "import torch\ndef gelu(x): return torch.nn.functional.gelu(x)")
    write(tmp_path / "layers_of_mine.py", "import json\nfrom deep_kernels import gelu\ndef mlp(x): return gelu(x)")
    path = write(tmp_path / "mine.py", "import math\nfrom layers_of_mine import mlp\ndef f(x): return mlp(x)")
    [found] = runner.load(File(path, "f"))

    assert found.framework == "torch"


def test_missing_file_names_the_nearest(runner: Runner, tmp_path: Path) -> None:
    write(tmp_path / "kernels.py", "")
    error = refusal(runner, File(tmp_path / "kernel.py"))

    assert error.headline.startswith("no file")
    assert error.mend == "did you mean kernels.py?"


@pytest.mark.parametrize(
    ("name", "what", "mend"),
    [
        ("kernels.dll", "a shared library", "ctypes"),
        ("look.ipynb", "a notebook", "attnspec.verify"),
        ("kernel.cu", "source code", "compile it"),
        ("weights.safetensors", "a file of arrays", "--inputs"),
    ],
)
def test_what_python_does_not_import_has_an_answer_that_fits(tmp_path: Path, name: str, what: str, mend: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    error = refusal(Runner(), File(tmp_path / name))

    assert error.headline.endswith(f"{name} is {what}, not a Python file")
    assert mend in error.mend
    assert parse_target(name)[1] == File(name)


def test_a_folder_names_a_file_of_it(tmp_path: Path) -> None:
    write(tmp_path / "cells.py", "")
    error = refusal(Runner(), File(tmp_path))

    assert error.headline.endswith("is a folder")
    assert error.mend == f"name a file of it, such as {tmp_path / 'cells.py'}"


def test_missing_module_names_the_nearest(runner: Runner, package: Path) -> None:
    mend = refusal(runner, Module("kernels_of_min")).mend
    assert mend.startswith("did you mean kernels_of_mine")  # other modules on the path may be near too
    assert "kernels_of_mine.cells" in refusal(runner, Module("kernels_of_mine.cell")).mend
    assert refusal(runner, Module("kernels_of_mine.cells.gru")).mend == "did you mean kernels_of_mine.cells:gru?"


def test_missing_callable_names_the_nearest(runner: Runner, tmp_path: Path) -> None:
    path = write(tmp_path / "mine.py", "limit = 3\ndef attention(q): ...\ndef gru(x): ...")
    error = refusal(runner, File(path, "atention"))

    assert error.headline == f"{path}:atention has no callable 'atention'"
    assert (error.expected, error.mend) == ("attention, gru", "did you mean attention?")
    assert refusal(runner, File(path, "limit")).given == "limit = 3"


def test_import_error_shows_the_candidates_frames_alone(runner: Runner, tmp_path: Path) -> None:
    path = write(tmp_path / "mine.py", "def broken():\n    return 1 / 0\nbroken()")
    error = refusal(runner, File(path))

    assert error.headline == f"{path} cannot be imported: ZeroDivisionError: division by zero"
    assert [line.strip() for line in error.given.splitlines() if "File" in line] == [
        f'File "{path}", line 3, in <module>',
        f'File "{path}", line 2, in broken',
    ]
    assert not isinstance(error, MissingPackage)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def f(:", "SyntaxError"),
        ("import os; os._exit(7)", "ended the process: exit code 7"),
        ("raise SystemExit(2)", "SystemExit: 2"),
        ("from .cells import x", "relative import"),
        ("x = []\nwhile True: x.append(bytearray(1 << 24))", "MemoryError"),
        (
            "from attnspec.implementation import implements\nimplements('a.b', framework='torsch')",
            "no framework 'torsch'",
        ),
    ],
)
def test_imports_that_fail(tmp_path: Path, source: str, said: str) -> None:
    with Runner(memory_bytes=256 << 20) as runner:
        assert said in refusal(runner, File(write(tmp_path / "mine.py", source))).headline


def test_import_that_never_ends(tmp_path: Path) -> None:
    with Runner(start_limit=1.0) as runner:
        error = refusal(runner, File(write(tmp_path / "mine.py", "print('so far')\nwhile True: pass")))

    assert error.headline.endswith("was not imported in 1 s")
    assert error.given == "so far"


def test_a_package_that_is_not_installed_is_told_apart(runner: Runner, tmp_path: Path) -> None:
    path = write(tmp_path / "mine.py", "import a_package_nobody_has.kernels")
    error = refusal(runner, File(path))

    assert isinstance(error, MissingPackage)
    assert error.missing == "a_package_nobody_has"
    assert error.mend == "install a_package_nobody_has, or run where it is installed"
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.missing) == (str(error), error.missing)


def test_a_missing_part_of_the_target_itself_is_a_mistake_in_it(runner: Runner, package: Path) -> None:
    write(package / "half.py", "from kernels_of_mine.nothing import x")

    error = refusal(runner, Module("kernels_of_mine.half"))

    assert not isinstance(error, MissingPackage)
    assert "No module named 'kernels_of_mine.nothing'" in error.headline


def declared() -> Callable[..., Any]:
    @implements("a.b", framework="torch")
    def local(x: object, y: object = None) -> object:
        """Local."""
        return x

    return local


def test_a_live_callable_keeps_its_declaration(runner: Runner) -> None:
    [found] = runner.load(Pickled.of(declared()))

    assert found.name == "declared.<locals>.local"
    assert found.implementations == (Implementation("a.b", "torch"),)
    assert found.parameters == (Parameter("x"), Parameter("y", has_default=True))


def test_live_callables_of_other_kinds(runner: Runner) -> None:
    [found] = runner.load(Pickled.of(functools.partial(declared(), y=1)))
    assert found.name == "partial"
    assert found.parameters == (Parameter("x"), Parameter("y", "KEYWORD_ONLY", True))
    [found] = runner.load(Pickled.of(max))
    assert found.parameters == (Parameter("args", "VAR_POSITIONAL"),), "no signature: anything, in order"


def test_a_callable_that_cannot_travel_is_refused() -> None:
    lock = threading.Lock()
    with pytest.raises(TargetError, match="cannot be taken to another process"):
        Pickled.of(lambda x: (lock, x))

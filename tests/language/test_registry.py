"""The registry: families are loaded when they are looked up, and the catalogue cannot be replaced by accident."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from attnspec import PROCEDURES, REGISTRY
from attnspec.errors import UnknownName
from attnspec.language.registry import families, load_family
from attnspec.properties import PROCEDURAL, PROPERTIES


def ran(program: str, *arguments: str, cwd: Path | None = None) -> str:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_look_up_loads_its_family_and_what_that_calls() -> None:
    program = (
        "import sys, attnspec; attnspec.REGISTRY['scores.dot'];"
        "print(*sorted(n.split('.')[2] for n in sys.modules if n.startswith('attnspec.equations.')))"
    )

    assert ran(program).split() == ["_names", "scores"]


def test_all_equations_are_there_without_what_is_said_of_them() -> None:
    """Their mistakes, rewritings and properties are loaded with the family of the equation that is asked about."""
    program = (
        "import sys, attnspec; from attnspec.properties import PROPERTIES; families = lambda package:"
        " sorted(n.split('.')[2] for n in sys.modules if n.startswith(f'attnspec.{package}.') and n.count('.') == 2);"
        "weights = attnspec.REGISTRY['attention.weights']; len(attnspec.REGISTRY);"
        "print(families('mutants'), families('rewritings'), families('layouts'));"
        "print('attention' in families('properties'));"
        "weights.curated; print(families('mutants')); weights.forms; print(families('rewritings'));"
        "PROPERTIES['attention.weights']; print('attention' in families('properties'))"
    )

    assert ran(program).splitlines() == ["[] [] []", "False", "['attention']", "['attention']", "True"]


def test_the_registry_is_whole_after_the_import() -> None:
    assert int(ran("import attnspec; print(len(attnspec.REGISTRY))")) > 200
    assert int(ran("import attnspec; print(len(attnspec.equations()))")) > 200
    assert ran("import attnspec; print(bool(attnspec.REGISTRY['recurrent.lstm_cell'].curated))") == "True\n"


def test_conventions_stand_in_the_family_of_their_equation() -> None:
    strays = [each.id for each in REGISTRY.values() if each.convention_of.partition(".")[0] not in ("", each.family)]

    assert not strays, "a look-up of the equation would not load them"


@pytest.mark.parametrize("family", families())
def test_what_is_said_of_an_equation_stands_in_its_family(family: str) -> None:
    """Mutants, rewritings and properties: else they would be there or not by what was loaded before."""
    program = (
        "import sys, importlib; from attnspec.language.registry import load_family; family = sys.argv[1];"
        "load_family(family); from attnspec import REGISTRY, PROCEDURES; from attnspec.properties import PROPERTIES;"
        "own = lambda: [(e.id, len(e.own_mutants), len(e.own_forms), len(PROPERTIES._entries.get(e.id, ())))"
        " for e in REGISTRY.family(family)]; before = own(); len(REGISTRY); assert own() == before, (before, own())"
    )
    ran(program, family)


def test_families_in_order_of_the_alphabet() -> None:
    seen = list(dict.fromkeys(id.partition(".")[0] for id in REGISTRY if id.partition(".")[0] in families()))

    assert seen == sorted(seen)


def test_unknown_ids_are_answered_with_near_ones() -> None:
    with pytest.raises(UnknownName) as raised:
        REGISTRY["recurrent.gru_cel"]

    assert "recurrent.gru_cell" in raised.value.mend
    assert "no.such" not in REGISTRY


def test_every_property_is_of_something_that_exists() -> None:
    assert set(PROPERTIES) <= set(REGISTRY)
    assert set(PROCEDURAL) <= set(PROCEDURES)


def test_an_unknown_family_loads_nothing() -> None:
    load_family("nothing_of_the_kind")

    assert "nothing_of_the_kind.f" not in REGISTRY


def test_a_users_module_cannot_replace_an_equation_of_the_catalogue(tmp_path: Path) -> None:
    (tmp_path / "scores.py").write_text(
        "from attnspec import Source, equation\n"
        "from attnspec.notation import Float, Tensor\n\n\n"
        "@equation(Source(paper='none'))\n"
        "def dot(q: Float[Tensor, ' n'], k: Float[Tensor, ' n']) -> Float[Tensor, ' n']:\n"
        '    """Another thing."""\n'
        "    return q * k\n"
    )
    program = "import attnspec\ntry: import scores\nexcept attnspec.SpecError as error: print(error)"
    said = ran(program, cwd=tmp_path)

    assert "scores.dot is an equation of the catalogue" in said
    assert "to mend" in said


def test_installed_packages_add_properties_and_mistakes_to_equations_of_the_catalogue(tmp_path: Path) -> None:
    """Entry points of both groups are imported as soon as an equation is looked up."""
    installed = tmp_path / "more-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: more\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(
        "[attnspec.properties]\na = more_laws\n[attnspec.mutants]\nb = more_slips\n"
    )
    (tmp_path / "more_laws.py").write_text(
        "import attnspec\n"
        "@attnspec.property_of(attnspec.REGISTRY['scores.dot'])\n"
        "def one_more(f, arguments):\n"
        "    '''It equals itself.'''\n"
        "    yield attnspec.Equal(f(**arguments), f(**arguments))\n"
    )
    (tmp_path / "more_slips.py").write_text(
        "import attnspec\n"
        "wrong = {'e': 'q[i] @ k[j] + q[i] @ k[j]'}\n"
        "attnspec.mutate(attnspec.REGISTRY['scores.dot'], 'doubled', wrong, says='it is doubled')\n"
    )
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import attnspec;"
        "from attnspec.properties import PROPERTIES;"
        "print([each.name for each in attnspec.REGISTRY['scores.dot'].curated],"
        " [each.name for each in PROPERTIES['scores.dot']])"
    )
    printed = ran(program, str(tmp_path))

    assert "doubled" in printed
    assert "one_more" in printed


@pytest.mark.parametrize("registry", [REGISTRY, PROCEDURES])
def test_what_is_not_registered_may_be_asked_for(registry: Mapping[str, object]) -> None:
    """As of any mapping, `get` gives the default; `[]` says which are near."""
    unknown = "recurrent.gradient_of_gru_cell_by_h"

    assert registry.get(unknown) is None
    assert registry.get(unknown, 5) == 5
    assert registry.get(next(iter(registry))) is not None
    with pytest.raises((UnknownName, KeyError)):
        registry[unknown]

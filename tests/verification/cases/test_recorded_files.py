"""Files of recorded arrays: what is read of them, and which are refused."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from safetensors.numpy import save_file

from attnspec.errors import SpecError
from attnspec.verification.cases.recorded_files import check_readable, read_arrays


def numbers(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    """Of no dtype but float64: each loses bits in any other."""
    return np.random.Generator(np.random.Philox(seed)).standard_normal(shape)


def npz(folder: Path, name: str = "layer.npz", /, **arrays: Any) -> str:
    np.savez(folder / name, **arrays)
    return str(folder / name)


DTYPES = st.sampled_from(["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?"])
FILES = st.dictionaries(
    st.text("abc./0", min_size=1, max_size=5).filter(lambda name: not name.startswith("/")),
    arrays.arrays(DTYPES, arrays.array_shapes(min_dims=0, min_side=0, max_side=3)),
    min_size=1,
    max_size=3,
)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@given(data=st.data())
def test_arrays_are_read_bit_for_bit(suffix: str, data: st.DataObject) -> None:
    """What NumPy and safetensors write is read back with its dtype, shape and bits."""
    written = data.draw(FILES)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/recorded{suffix}"
        if suffix == ".npz":
            np.savez(path, allow_pickle=False, **written)
        else:
            save_file({name: np.asarray(array, order="C") for name, array in written.items()}, path)
        read = read_arrays(path)

    assert read.keys() == written.keys()
    for name, array in written.items():
        assert (read[name].dtype, read[name].shape) == (array.dtype, array.shape)
        assert read[name].tobytes() == array.tobytes()


@given(content=st.binary(max_size=200), suffix=st.sampled_from([".npz", ".safetensors"]))
def test_arbitrary_bytes_are_refused(content: bytes, suffix: str) -> None:
    """Whatever bytes a file holds, reading it raises nothing but a `SpecError`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"recorded{suffix}"
        path.write_bytes(content)
        with pytest.raises(SpecError, match=r"recorded\.(npz|safetensors) is (corrupt|empty)"):
            read_arrays(str(path))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("absent.npz", "does not exist"),
        ("folder.npz", "is a folder"),
        ("arrays.csv", "is not a file of recorded inputs"),
        ("arrays", "is not a file of recorded inputs"),
    ],
)
def test_files_that_cannot_be_read_are_refused_before_they_are_read(name: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "arrays.csv").touch()

    with pytest.raises(SpecError, match=says):
        check_readable(str(tmp_path / name))


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)

    with pytest.raises(SpecError, match="the package safetensors is not installed") as caught:
        check_readable(str(tmp_path / "a.safetensors"))
    assert 'pip install "attnspec[inputs]"' in caught.value.mend


def test_safetensors_are_read_bfloat16_too(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save_torch

    save_torch({"q": torch.tensor([[1.5, -3.0]], dtype=torch.bfloat16)}, tmp_path / "q.safetensors")
    save_file({"k": numbers(2, 2), "heads": np.array(3)}, tmp_path / "k.safetensors")

    assert read_arrays(str(tmp_path / "q.safetensors"))["q"].tolist() == [[1.5, -3.0]]
    assert np.array_equal(read_arrays(str(tmp_path / "k.safetensors"))["k"], numbers(2, 2))
    assert read_arrays(str(tmp_path / "k.safetensors"))["heads"] == 3


def test_a_broken_or_pickled_array_is_refused(tmp_path: Path) -> None:
    file = Path(npz(tmp_path, x=numbers(4)))
    file.write_bytes(file.read_bytes().replace(b"descr", b"decsr"))
    pickled = npz(tmp_path, "pickled.npz", x=np.array([{}], dtype=object))
    short = tmp_path / "short.safetensors"
    save_file({"x": numbers(4)}, short)
    short.write_bytes(short.read_bytes()[:-3])

    for path in (str(file), pickled, str(short)):
        with pytest.raises(SpecError, match="corrupt"):
            read_arrays(path)


def test_a_dtype_that_is_not_read_is_named(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save_torch

    save_torch({"q": torch.ones(2, 2).to(torch.float8_e4m3fn)}, tmp_path / "q.safetensors")

    with pytest.raises(SpecError, match="q has a dtype that is not read"):
        read_arrays(str(tmp_path / "q.safetensors"))

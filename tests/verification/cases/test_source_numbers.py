"""Numbers are read from sources in other languages, as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import attnspec
from attnspec import SpecError
from attnspec.cli import main
from attnspec.verification.cases.source_numbers import MOST, numbers_of_file, numbers_of_text

CUDA = r"""
#include <cuda_fp16.h>
#define BLOCK 96  // not 97
/* nor 98,
   nor 99 */
template <int WIDTH = 0x50> __global__ void __launch_bounds__(1 << 8) norm(float4* x, const float eps) {
    const char* name = "is 101 not";
    __shared__ float sums[3 * BLOCK];
    float y = rsqrtf(x->w / 1'536.0f + 2e-5f) * .75f;
    asm volatile("mov 77");
}
"""
RUST = """
const TILE: usize = 1_200; // 55
fn gate<'a>(x: &'a [f32]) -> f32 { for i in 0..72usize { let c = 'x'; x.0 + 0.044715f32 } }
"""
TRITON = """
@triton.jit
def kernel(x, BLOCK: tl.constexpr = 160):  # 161
    '''Docs of 162.'''
    return tl.where(x > 30.0, tl.float16, "163")
"""


@pytest.mark.parametrize(
    ("text", "has_hash_comments", "numbers"),
    [
        (CUDA, False, [96, 80, 1, 256, 8, 3, 1536, 2e-5, 0.75]),
        (RUST, False, [1200, 0, 72, 0.044715]),
        (TRITON, True, [160, 30]),
        ("", False, []),
    ],
)
def test_numbers_are_read_without_comments_texts_and_names(
    text: str, has_hash_comments: bool, numbers: list[float]
) -> None:
    assert [*numbers_of_text(text, has_hash_comments=has_hash_comments)] == pytest.approx(numbers)


def test_huge_numbers_are_left_out_and_the_rest_are_few() -> None:
    found = numbers_of_text("0xffffffffffffffff 1e400 1e300 " + " ".join(map(str, range(500))))

    assert len(found) == MOST
    assert max(found) < 500


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "norm.cu").write_text("int a = 3;")
    (tmp_path / "norm.so").write_bytes(b"\x7fELF\0")

    assert numbers_of_file(str(tmp_path / "norm.cu")) == (3.0,)
    with pytest.raises(SpecError, match="does not exist") as missing:
        numbers_of_file(str(tmp_path / "nrm.cu"))
    assert "norm.cu" in missing.value.mend
    with pytest.raises(SpecError, match="is a folder"):
        numbers_of_file(str(tmp_path))
    with pytest.raises(SpecError, match="is not text"):
        numbers_of_file(str(tmp_path / "norm.so"))


def compiled(q: Any, k: Any) -> Any:
    """Stands for a binding of a kernel whose source is elsewhere: it is wrong for one number of keys."""
    return (q @ k.swapaxes(-1, -2)) * q.dtype.type(1 + (k.shape[-2] == int("111")))


def test_a_fault_at_a_number_of_the_source_is_found(tmp_path: Path) -> None:
    source = tmp_path / "kernel.c"
    source.write_text("#define TILE 111\n")
    how: dict[str, Any] = {"framework": "numpy", "examples": 0, "function": False}

    assert attnspec.verify(compiled, "scores.dot", **how).verdict == "conforms"
    assert attnspec.verify(compiled, "scores.dot", sources=[str(source)], **how).verdict == "differs"


def test_a_missing_source_is_an_error_of_the_command(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["verify", "attnspec_numpy.scores:dot", "--source", str(tmp_path / "no.cu")])

    assert done.exit_code == 2
    assert "no.cu does not exist" in done.output

"""Time and memory of one call at production sizes, and of the reference that judges every row of it.

    python benchmarks/at_sizes.py                      # attention of 16,384 queries and keys, a GRU of batch 512
    python benchmarks/at_sizes.py --scale 8            # 131,072 of them, batch 4,096: 20 minutes, 40 GB for the GRU
    python benchmarks/at_sizes.py attention --wrong    # one wrong row, which the verdict must name

Each verdict is reached in a process of its own, on one small case and on the large one. The memory of the reference is
the highest of that process, with Python, NumPy and attnspec in it; that of the call is what it needed above what was
there before.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import attnspec

ATTENTION = """
import torch

def attention(q, k, v):
    batch = q.shape[:-2]
    q, k, v = (x.reshape(1, -1, *x.shape[-2:]) for x in (q, k, v))  # four axes, as the fused kernel wants them
    o = torch.nn.functional.scaled_dot_product_attention(q, k, v)[0]
    if WRONG and o.shape[-2] > 10_000:
        o[..., 7_777, 3] *= 1.001
    return o.reshape(*batch, *o.shape[-2:])
"""

GRU = """
from attnspec_peers.recurrent import torch_gru

def gru(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    h = torch_gru(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh)
    if WRONG and h.ndim == 3 and len(h) > 100:
        h[77, -1, 3] += 1e-3
    return h
"""

CASES = {
    "attention": (ATTENTION, "attention.scaled_dot_product", {"n": 16_384, "m": 16_384, "d": 128, "e": 128}, "nm"),
    "attention, backward": (
        ATTENTION,
        "attention.scaled_dot_product",
        {"n": 16_384, "m": 16_384, "d": 128, "e": 128},
        "nm",
    ),
    "gru": (GRU, "recurrent.gru_reset_after", {"batch": 512, "t": 128, "d": 256, "u": 256}, ("batch", "t", "d", "u")),
}
"""{name: code, equation, sizes, those that the scale makes larger}."""

LARGEST = {"batch": 4096, "t": 512, "d": 1024, "u": 1024, "n": 131_072, "m": 131_072}


def judged(name: str, scale: int, wrong: bool) -> dict[str, object]:
    """One verdict in this process: what it says of the large call, and the highest memory of the process."""
    code, equation, sizes, larger = CASES[name]
    scaled = {size: min(value * scale, LARGEST[size]) if size in larger else value for size, value in sizes.items()}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "candidate.py")
        file.write_text(code.replace("WRONG", str(wrong)), encoding="utf-8")
        report = attnspec.verify(
            str(file), equation, framework="torch", case=SMALL, backward="backward" in name, sizes=scaled,
            function=False, trace=False, time_limit=120.0, memory_bytes=40 << 30,
        )  # fmt: skip
    (verdict,) = report.verdicts
    status = Path("/proc/self/status").read_text(encoding="ascii")
    highest = re.search(r"VmHWM:\s+(\d+) kB", status)
    said = [each for each in (verdict.reason, *verdict.findings) if each.startswith("at ")]
    return {"name": name, "says": said or [verdict.reason], "reference_gb": int(highest[1]) / 1e6 if highest else None}


SMALL = 1
"""The seed of the small case."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=[*CASES])
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--wrong", action="store_true")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    for name in given.names:
        if given.here:
            print(json.dumps(judged(name, given.scale, given.wrong)))
            continue
        options = ["--here", "--scale", str(given.scale), *(["--wrong"] if given.wrong else [])]
        run = subprocess.run([sys.executable, __file__, name, *options], capture_output=True, text=True, check=False)
        if run.returncode:
            raise SystemExit(run.stderr)
        found = json.loads(run.stdout)
        print(f"{name}: {'; '.join(found['says'])}; the process with the reference had {found['reference_gb']:.2f} GB")


if __name__ == "__main__":
    main()

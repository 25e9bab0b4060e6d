"""The numbers in a source file of another language: C, C++, CUDA, Rust, Metal, Triton, Mojo, or Python that is not run.

The file is read as text. Comments and texts in quotes are left out, and so are digits of names such as float4.
"""

from __future__ import annotations

import re
from pathlib import Path

from attnspec.errors import SpecError, nearest

MOST = 64
"""Convention: how many numbers of a file are kept; so many are kept of the candidate's own code too."""

LARGEST = 2.0**53
"""Larger numbers are neither sizes nor options."""

MOST_BYTES = 4 << 20
"""Convention: a larger file is not a source that somebody wrote."""

HASH_COMMENTS = (".py", ".pyx", ".mojo", ".jl", ".toml", ".yaml", ".yml", ".cfg")
"""Suffixes of languages in which # begins a comment; elsewhere // and /* do."""

QUOTED = r'"""[\s\S]*?"""|"(?:[^"\\\n]|\\.)*"' + r"|'(?:[^'\\\n]|\\.)'"
COMMENT = {True: rf"{QUOTED}|'''[\s\S]*?'''|'(?:[^'\\\n]|\\.)*'|#[^\n]*", False: rf"{QUOTED}|//[^\n]*|/\*[\s\S]*?\*/"}
"""What is left out, by whether # begins a comment. A ' may also separate digits (C++) or begin a lifetime (Rust)."""

LITERAL = (
    r"(?<!\w)(?<!(?<!\.)\.)"
    r"(0[xX][0-9a-fA-F]+|0[bB][01]+|(?:\d+(?:\.(?!\.)\d*)?|(?<!\.)\.\d+)(?:[eE][+-]?\d+)?)"
)
"""A number that is no part of a name, as in float4, and no field, as in pair.0; 0..64 has two."""

NUMBER = re.compile(LITERAL)
SHIFT = re.compile(rf"{LITERAL}\w*\s*<<\s*{LITERAL}")


def numbers_of_file(path: str) -> tuple[float, ...]:
    """Return the different numbers in a source file, in order.

    Raises:
        SpecError: there is no such file, or it is not text.
    """
    file = Path(path)
    if not file.is_file():
        problem = "is a folder" if file.is_dir() else "does not exist"
        names = [each.name for each in file.parent.glob("*")] if file.parent.is_dir() else []
        mend = "name a file of it" if file.is_dir() else nearest(file.name, names) or "see the spelling of the path"
        raise SpecError(f"source {path} {problem}", given=str(file.absolute()), expected="a file", mend=mend)
    try:
        data = file.read_bytes()[: MOST_BYTES + 1]
        if len(data) > MOST_BYTES or b"\0" in data:
            raise UnicodeError
        text = data.decode("utf-8")
    except UnicodeError:
        expected = "a source in C, C++, CUDA, Rust, Triton or another language, as text in UTF-8"
        mend = "name the source and not what is compiled from it"
        raise SpecError(f"source {path} is not text", given=path, expected=expected, mend=mend) from None
    except OSError as error:
        raise SpecError(f"source {path} cannot be read", given=str(error.strerror), expected="a file") from error
    return numbers_of_text(text, has_hash_comments=file.suffix in HASH_COMMENTS)


def numbers_of_text(text: str, *, has_hash_comments: bool = False) -> tuple[float, ...]:
    """Return the different numbers in a source, in order; of a shift, 1 << 6, the result too.

    Args:
        has_hash_comments: whether # begins a comment, as in Python; otherwise // does, as in C.
    """
    code = re.sub(COMMENT[has_hash_comments], " ", text)
    code = re.sub(r"(?<=[0-9a-fA-F])['_](?=[0-9a-fA-F])", "", code)
    found = [(match.start(), _value(match[1])) for match in NUMBER.finditer(code)]
    for match in SHIFT.finditer(code):
        one, other = _value(match[1]), _value(match[2])
        if one.is_integer() and other.is_integer() and other < 53:
            found.append((match.start(), one * 2**other))
    return tuple(dict.fromkeys(value for _, value in sorted(found) if value < LARGEST))[:MOST]


def _value(literal: str) -> float:
    lower = literal.lower()
    if lower.startswith(("0x", "0b")):
        return float(int(lower, 0))
    return float(lower)

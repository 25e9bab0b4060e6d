"""A badge: how many verdicts pass, as JSON for shields.io and as SVG."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from attnspec.faces.verify_command import Run

COLORS = {"brightgreen": "#3b7d1f", "red": "#b0311e", "lightgrey": "#6b6b6b"}
"""{name of a colour of shields.io: the colour of the SVG, dark enough for white letters}."""

LETTER = 6.6
"""The mean width of a letter of 11 px in the fonts of the SVG, in pixels; a text is set to the width that it gives."""


def badge(run: Run, passed: bool) -> dict[str, Any]:
    """The badge in the form of shields.io's endpoint.

    Args:
        run: the verdicts.
        passed: whether the gate passes.
    """
    good = sum(verdict.passed for verdict in run.verdicts)
    known = sum(run.known.expecting(verdict) is not None for verdict in run.verdicts)
    extra = f", {known} known" if known else ""
    message = f"{good} of {len(run.verdicts)} conform{extra}" if run.verdicts else "no verdict"
    color = "brightgreen" if passed else "red" if run.verdicts else "lightgrey"
    return {"schemaVersion": 1, "label": "attnspec", "message": message, "color": color, "isError": not passed}


def badge_svg(badge: dict[str, Any]) -> str:
    """The same badge as SVG."""
    texts = (badge["label"], badge["message"])
    widths = [round(len(text) * LETTER) + 12 for text in texts]
    total, title = sum(widths), escape(f"{texts[0]}: {texts[1]}")
    letters = "".join(
        f'<text x="{start + width / 2:g}" y="14" textLength="{width - 12}">{escape(text)}</text>'
        for text, start, width in zip(texts, (0, widths[0]), widths, strict=True)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="20" role="img" aria-label="{title}">'
        f"<title>{title}</title>"
        f'<clipPath id="r"><rect width="{total}" height="20" rx="3"/></clipPath><g clip-path="url(#r)">'
        f'<rect width="{widths[0]}" height="20" fill="#444"/>'
        f'<rect x="{widths[0]}" width="{widths[1]}" height="20" fill="{COLORS[badge["color"]]}"/></g>'
        f'<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">{letters}</g>'
        "</svg>\n"
    )

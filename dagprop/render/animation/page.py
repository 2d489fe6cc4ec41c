"""An animation as one page: it needs nothing from elsewhere, and lets nothing in.

The page holds the last picture, and of the others what differs: attributes and texts of its elements.  A script of its
own puts these in place; it computes nothing, so that the page cannot say anything else than the frames.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from itertools import islice
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from dagprop.explain.numbers import Shown
from dagprop.explain.plain_json import json_text
from dagprop.graph.records import Node
from dagprop.render.animation.layout import Layout
from dagprop.render.animation.records import Animation, Frame
from dagprop.render.animation.svg import MOST_EXACT, picture
from dagprop.render.diagrams.legend import legend
from dagprop.render.diagrams.theme import DARK, LIGHT, PAGE, theme_of, variables
from dagprop.render.html import STYLE, html_blocks

WIDE = 2.3
"""A picture that is so many times as wide as high has what is said to it below, and not beside it."""

SMALLEST = 0.72
"""A page that is narrower than the picture makes it smaller, down to this; then it is scrolled."""

_UNSAFE = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def page(animation: Animation, layout: Layout, shown: Shown, nodes: Mapping[str, Node], theme: str | None) -> bytes:
    """Return an animation as a page.

    Parameters
    ----------
    animation : Animation
    layout : Layout
    shown : Shown
        With how many digits the numbers of the derivation are written.
    nodes : mapping from str to Node
        Of the expanded graph; they say how they are written in mathematics.
    theme : {"light", "dark"} or None
        None for what the reader's machine is set to.
    """
    pictures = [picture(animation, frame, layout, PAGE) for frame in animation.frames]
    parts = changes(pictures)
    style, script = _style(theme, layout), _file("page.js")
    data = {"steps": [_event(frame) for frame in animation.frames], "parts": parts}
    last = len(animation.frames) - 1
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    shape = "wide" if layout.width > WIDE * layout.height else "high"
    blocks = iter(html_blocks([equation for frame in animation.frames for equation in frame.equations], shown, nodes))
    steps = "\n".join(
        _step(number, frame, islice(blocks, len(frame.equations))) for number, frame in enumerate(animation.frames)
    )
    text = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(animation.title)}: back-propagation, step by step</title>
<style>{style}</style>
</head>
<body>
<main class="dagprop {shape}">
<h1>{escape(animation.title)}: back-propagation, step by step</h1>
<nav class="controls" aria-label="Steps">
<button type="button" id="first" aria-label="First step" title="First step (Home)">|◀</button>
<button type="button" id="back" aria-label="Step back" title="Step back (←)">◀</button>
<button type="button" id="next" aria-label="Next step" title="Next step (→)">▶</button>
<button type="button" id="last" aria-label="Last step" title="Last step (End)">▶|</button>
<input type="range" id="slider" min="0" max="{last}" value="{last}" step="1" aria-label="Step">
<output id="place" for="slider" aria-live="off">{last} of {last}</output>
{_jumps(animation)}
<button type="button" id="play" aria-pressed="false" title="One step after the other (p)">Play</button>
<button type="button" id="all" aria-pressed="false" aria-controls="steps" title="All at once">All steps</button>
</nav>
<p id="said" role="status" aria-live="polite"></p>
<div class="stage">
<figure id="figure" tabindex="0" aria-label="The network">
{ElementTree.tostring(pictures[-1], encoding="unicode")}
<figcaption>{_legend(animation.frames[-1])}</figcaption>
</figure>
<ol id="steps" start="0">
{steps}
</ol>
</div>
<p class="keys">Keys: <kbd>→</kbd> and <kbd>←</kbd> go one step on and back, <kbd>Home</kbd> and <kbd>End</kbd> to the
first and the last, <kbd>p</kbd> plays. What is not computed yet is drawn as “–”.</p>
</main>
<script type="application/json" id="data">{json_text(data).translate(_UNSAFE)}</script>
<script>{script}</script>
</body>
</html>
"""
    return text.encode()


def changes(pictures: Sequence[Element]) -> dict[str, list[list[Any]]]:
    """Return what differs between pictures of the same elements, and number these elements in the last picture.

    Returns
    -------
    dict from str to list
        For each element that differs, from which step on it has which attributes (None: it has none of that name), and
        which text, by the name ``#text``.
    """
    found: dict[str, list[list[Any]]] = {}
    for elements in zip(*(root.iter() for root in pictures), strict=True):
        names = {name for element in elements for name in element.attrib}
        differing = sorted(name for name in names if len({element.get(name) for element in elements}) > 1)
        states = [{name: element.get(name) for name in differing} for element in elements]
        if len({element.text for element in elements}) > 1:
            states = [{**state, "#text": element.text or ""} for state, element in zip(states, elements, strict=True)]
        if not states[0]:
            continue
        number = str(len(found))
        elements[-1].set("data-part", number)
        found[number] = [[step, state] for step, state in enumerate(states) if step == 0 or state != states[step - 1]]
    return found


def _event(frame: Frame) -> Any:
    """Return what happens in a frame as data, without arrays that are too large for a page."""

    def small(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: small(item) for name, item in value.items()}
        if getattr(value, "size", 0) > MOST_EXACT:
            return {"shape": list(value.shape), "min": value.min(), "max": value.max()}
        return value

    return small(frame.event)


def _step(number: int, frame: Frame, blocks: Iterable[str]) -> str:
    """Return what is said to a frame."""
    remark = f'<p class="remark{" reuse" if frame.reused else ""}">{escape(frame.remark)}</p>' if frame.remark else ""
    equations = "\n".join(blocks)
    equations = f'<div class="equations">\n{equations}\n</div>' if equations else ""
    return (
        f'<li id="step-{number}" data-phase="{frame.phase}"><h2>{escape(frame.heading)}</h2>'
        f"<p>{escape(frame.sentence)}</p>{remark}\n{equations}</li>"
    )


def _jumps(animation: Animation) -> str:
    """Return a button for the beginning of each phase."""
    first: dict[str, int] = {}
    for number, frame in enumerate(animation.frames):
        first.setdefault(frame.phase, number)
    return "\n".join(
        f'<button type="button" data-go="{number}">{phase.capitalize()}</button>' for phase, number in first.items()
    )


def _legend(frame: Frame) -> str:
    """Return what the colours mean."""
    entries = [(_sample(entry.sample, entry.name), entry.text) for entry in legend(frame.diagram)]
    entries += [(_frame_sample("chain"), "just computed"), (_frame_sample("reused", "2.5 1.5"), "re-used")]
    items = "".join(
        f'<li><svg viewBox="0 0 12 10" aria-hidden="true">{sample}</svg> {escape(text)}</li>'
        for sample, text in entries
    )
    words = "An arrow points forward until a gradient has gone back along it; the wider, the larger that is."
    return f"{words}<ul>{items}</ul>"


def _sample(kind: str, name: str) -> str:
    if kind == "node":
        return f'<rect x="1" width="10" height="10" fill="var(--line-{name})"/>'
    dashes = ' stroke-dasharray="3 2"' if name == "negative" else ""
    return f'<path d="M0 5H12" stroke-width="3" stroke="var(--sign-{name})"{dashes}/>'


def _frame_sample(colour: str, dashes: str = "none") -> str:
    look = f'fill="none" stroke="var(--{colour})" stroke-width="2" stroke-dasharray="{dashes}"'
    return f'<rect x="2" y="1" width="8" height="8" {look}/>'


def _style(theme: str | None, layout: Layout) -> str:
    fixed = theme_of(theme or "light")
    rules = [f":root {{ color-scheme: {theme or 'light dark'}; {variables(fixed)} }}"]
    if theme is None:
        rules.append(f"@media (prefers-color-scheme: dark) {{ :root {{ {variables(DARK)} }} }}")
    rules.append(f"@media print {{ :root {{ {variables(LIGHT)} }} }}")
    rules.append(
        f"figure > svg {{ min-width: {SMALLEST * layout.width:.0f}px; max-width: {1.6 * layout.width:.0f}px; }}"
    )
    rules.append(f".high figure > svg {{ max-height: max(74vh, {SMALLEST * layout.height:.0f}px); }}")
    return "\n".join((*rules, STYLE, _file("page.css")))


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return what a content security policy calls a text that it lets in."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

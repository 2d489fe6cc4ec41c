"""A frame as SVG.

All frames of an animation become trees of the same elements: what differs are attributes and texts, so that a page
needs one of them and the differences.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from dagprop.explain.plain_json import json_text
from dagprop.render.animation.curves import Cut, Point, arrowhead, path_text
from dagprop.render.animation.layout import Box, Curve, Layout
from dagprop.render.animation.records import Animation, Frame
from dagprop.render.diagrams.dot import SANS, SERIF, WIDEST_NAME
from dagprop.render.diagrams.records import DiagramEdge, DiagramNode
from dagprop.render.diagrams.theme import Theme

REUSE = "re-use (propagate)!"
"""Stands on a node whose gradient is passed on again."""

LINE = 1.2
"""The height of a line of text, in sizes of its letters."""

MARGIN = 16.0

CAPTION = 92.0
"""The height of what is said below a picture that stands alone."""

MOST_EXACT = 64
"""An array of more entries does not stand on a node in full."""


def reuse_texts(animation: Animation) -> tuple[str, ...]:
    """Return what stands on each node at some time beside its numbers."""
    reused = {frame.reused for frame in animation.frames}
    return tuple(REUSE if node.id in reused else "" for node in animation.frames[0].diagram.nodes)


def picture(animation: Animation, frame: Frame, layout: Layout, theme: Theme) -> Element:
    """Return the picture of a frame, without what is said to it."""
    width, height = layout.width + 2 * MARGIN, layout.height + 2 * MARGIN
    root = Element("svg", viewBox=f"{-MARGIN:g} {-MARGIN:g} {width:.1f} {height:.1f}", role="img")
    root.set("aria-label", f"{animation.title}. {frame.heading}: {frame.sentence} {frame.remark}".strip())
    for cluster, (box, title) in zip(frame.diagram.clusters, layout.clusters, strict=True):
        _rect(root, box, 8, fill=theme.frame_ground, stroke=theme.frame)
        _text(root, cluster.title, title[0], title[1] + 5, 14, theme.quiet)
    extra = reuse_texts(animation)
    for node, box, more in zip(frame.diagram.nodes, layout.nodes, extra, strict=True):
        _node(root, frame, node, box, theme, bool(more))
    # Behind the nodes, so that the heads of arrows lie on the frames of nodes.
    for number, (edge, curve) in enumerate(zip(frame.diagram.edges, layout.edges, strict=True)):
        _edge(root, edge, curve, theme, lit=number == frame.lit_edge)
    return root


def slide(animation: Animation, frame: Frame, layout: Layout, theme: Theme) -> bytes:
    """Return the picture of a frame with what is said to it, as a file of its own."""
    root = picture(animation, frame, layout, theme)
    longest = max(len(text) for one in animation.frames for text in (one.sentence, one.remark))
    width = max(layout.width, 8.0 * longest) + 2 * MARGIN
    height = layout.height + 2 * MARGIN + CAPTION
    left = -MARGIN - (width - layout.width - 2 * MARGIN) / 2
    root.set("xmlns", "http://www.w3.org/2000/svg")
    root.set("viewBox", f"{left:.1f} {-MARGIN:g} {width:.1f} {height:.1f}")
    root.set("width", f"{width:.0f}pt")
    root.set("height", f"{height:.0f}pt")
    ground = Element("rect", x=f"{left:.1f}", y=f"{-MARGIN:g}", width=f"{width:.1f}", height=f"{height:.1f}")
    ground.set("fill", theme.ground)
    root.insert(0, ground)
    middle, y = layout.width / 2, layout.height + MARGIN
    _text(root, frame.heading, middle, y + 20, 17, theme.quiet, weight="bold")
    _text(root, frame.sentence, middle, y + 46, 17, theme.ink)
    _text(root, frame.remark, middle, y + 72, 15, theme.reused if frame.reused else theme.quiet, weight="bold")
    for parent in list(root.iter()):  # not every program that shows slides knows what is hidden
        for child in [child for child in parent if child.get("visibility") == "hidden"]:
            parent.remove(child)
    return f"{ElementTree.tostring(root, encoding='unicode')}\n".encode()


def _rect(parent: Element, box: Box, radius: float, grow: float = 0, **attributes: str) -> Element:
    width, height = box.width + 2 * grow, box.height + 2 * grow
    place = {"x": box.x - width / 2, "y": box.y - height / 2, "width": width, "height": height, "rx": radius}
    numbers = {name: f"{number:.4g}" if name == "rx" else f"{number:.1f}" for name, number in place.items()}
    return SubElement(parent, "rect", {**numbers, **{k.replace("_", "-"): v for k, v in attributes.items()}})


def _text(
    parent: Element, text: str, x: float, y: float, size: float, colour: str, *, italic: bool = False, weight: str = ""
) -> Element:
    made = SubElement(parent, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": "middle", "fill": colour})
    made.set("font-family", SERIF if italic else SANS)
    made.set("font-size", f"{size:g}")
    if italic:
        made.set("font-style", "italic")
    if weight:
        made.set("font-weight", weight)
    made.text = text
    return made


def _node(root: Element, frame: Frame, node: DiagramNode, box: Box, theme: Theme, reusable: bool) -> None:
    lit, reused = node.id in frame.lit, node.id == frame.reused
    group = SubElement(root, "g", {"data-node": node.id})
    for name, array in frame.numbers.get(node.id, {}).items():
        if array.size <= MOST_EXACT:
            group.set(f"data-{name}", json_text(array))
    SubElement(group, "title").text = node.note or node.name
    radius = 0 if node.kind == "parameter" else 10
    halo = _rect(group, box, radius and radius + 4, 5, fill="none", stroke_width="4")
    halo.set("class", "halo")
    halo.set("stroke", theme.reused if reused else theme.chain)
    halo.set("stroke-dasharray", "7 4" if reused else "none")
    halo.set("visibility", "visible" if lit or reused else "hidden")
    body = _rect(group, box, radius, fill=theme.fill(node), stroke=theme.line(node))
    body.set("stroke-width", "2.6" if node.kind == "loss" else "1.6")
    if node.kind == "call":
        _rect(group, box, radius and radius - 3, -3.5, fill="none", stroke=theme.line(node))
    words = node.kind in ("call", "group")
    rows: list[tuple[str, float, dict[str, Any]]] = [
        (node.name, 20 if len(node.name) <= WIDEST_NAME else 17, {"italic": not words, "weight": "bold" * words})
    ]
    rows += [(node.symbol, 14, {})] if node.symbol else []
    known = len(rows)
    rows += [(row, 14, {}) for row in node.rows]
    rows += [(REUSE if reused else "", 14, {"weight": "bold"})] if reusable else []
    middles = _lines(box.y, [size for _, size, _ in rows])
    for number, ((text, size, look), y) in enumerate(zip(rows, middles, strict=True)):
        quiet = (node.symbol and number == 1) or (number >= known and _unknown(text))
        _text(group, text, box.x, y, size, theme.quiet if quiet else theme.ink, **look)


def _unknown(text: str) -> bool:
    return text.endswith("–")


def _lines(middle: float, sizes: Sequence[float]) -> Iterable[float]:
    """Yield where the letters of lines stand that lie around a middle."""
    top = middle - LINE * sum(sizes) / 2
    for size in sizes:
        yield top + 0.86 * size
        top += LINE * size


def _edge(root: Element, edge: DiagramEdge, curve: Curve, theme: Theme, lit: bool) -> None:
    group = SubElement(root, "g", {"data-from": edge.source, "data-to": edge.target})
    colour, width = theme.arrow(edge), 1.3 if edge.sign is None else 1.2 + 3.0 * edge.strength
    halo = SubElement(group, "path", {"d": path_text(curve.points), "fill": "none", "stroke": theme.chain})
    halo.set("stroke-width", f"{width + 8:.2f}")
    halo.set("stroke-opacity", "0.3")
    halo.set("visibility", "visible" if lit else "hidden")
    look = {"fill": "none", "stroke": colour, "stroke-width": f"{width:.2f}"}
    line = SubElement(group, "path", {"d": path_text(curve.parts.middle), **look})
    line.set("stroke-dasharray", "7 4" if edge.sign == "negative" else "none")
    _ends(group, curve.parts, edge.backward, colour, width, look)
    if curve.label is not None and edge.rows:
        known = theme.quiet if _unknown(edge.rows[-1]) else theme.ink
        for row, y in zip(edge.rows, _lines(curve.label[1], [14.0] * len(edge.rows)), strict=True):
            _text(group, row, curve.label[0], y, 14, known)


def _ends(group: Element, parts: Cut, backward: bool, colour: str, width: float, look: dict[str, str]) -> None:
    """Put a head at one end of an arrow, and let its line go on to the other end."""
    ends: tuple[tuple[Point, Point, bool], ...] = (
        (parts.middle[0], parts.start, backward),
        (parts.middle[-1], parts.end, not backward),
    )
    for base, tip, head in ends:
        shown = {True: "visible", False: "hidden"}
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in arrowhead(base, tip, width))
        SubElement(group, "polygon", {"points": points, "fill": colour, "visibility": shown[head]})
        SubElement(group, "path", {"d": path_text((base, base, tip, tip)), **look, "visibility": shown[not head]})

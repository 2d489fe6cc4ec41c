"""Where everything stands: Graphviz lays one picture out, with room for all that the frames write."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dagprop.record import record
from dagprop.render.animation.curves import Cut, Point, Points, cut
from dagprop.render.diagrams.dot import dot_source
from dagprop.render.diagrams.graphviz_layout import picture
from dagprop.render.diagrams.records import Diagram
from dagprop.render.diagrams.theme import LIGHT


@record
class Box:
    """A rectangle: its middle, width and height."""

    x: float
    y: float
    width: float
    height: float


@record
class Curve:
    """An arrow: its Bézier curve, from the source to the tip at the target, its parts, and the middle of its label."""

    points: Points
    parts: Cut
    label: Point | None


@record
class Layout:
    """The places of a diagram, in points, from the top left corner.

    Attributes
    ----------
    width, height : float
    nodes : tuple of Box
    edges : tuple of Curve
    clusters : tuple of (Box, Point)
        Each with the middle of its title.
    """

    width: float
    height: float
    nodes: tuple[Box, ...]
    edges: tuple[Curve, ...]
    clusters: tuple[tuple[Box, Point], ...]


def layout(diagrams: Sequence[Diagram], extra: Sequence[str]) -> Layout:
    """Return where the nodes and arrows of diagrams stand that differ only in their texts.

    Parameters
    ----------
    diagrams : sequence of Diagram
    extra : sequence of str
        For each node what is written below its rows now and then; empty for nothing.

    Raises
    ------
    MissingDependencyError, ComputationError
        If there is no Graphviz, or it fails or takes too long.
    """
    wide = _widest(diagrams, extra)
    found = json.loads(picture(dot_source(wide, LIGHT, caption=False), "json0"))
    objects = found.get("objects", ())
    by_name = {item["name"]: item for item in objects}
    left, low, right, high = map(float, found["bb"].split(","))

    def at(text: str) -> Point:
        x, y = map(float, text.split(",")[:2])
        return round(x - left, 2), round(high - y, 2)

    # Graphviz numbers the edges as they stand in the DOT.
    by_ends: dict[tuple[str, str], list[Any]] = {}
    for item in sorted(found.get("edges", ()), key=lambda item: item["_gvid"]):
        by_ends.setdefault((objects[item["tail"]]["name"], objects[item["head"]]["name"]), []).append(item)
    laid = [by_ends[edge.source, edge.target].pop(0) for edge in wide.edges]
    clusters = [by_name[f"cluster_{cluster.id}"] for cluster in wide.clusters]
    return Layout(
        right - left,
        high - low,
        tuple(_node(by_name[node.id], at(by_name[node.id]["pos"])) for node in wide.nodes),
        tuple(_curve(_points(item, at), at(item["lp"]) if "lp" in item else None) for item in laid),
        tuple((_cluster(item["bb"], at), at(item["lp"])) for item in clusters),
    )


def _widest(diagrams: Sequence[Diagram], extra: Sequence[str]) -> Diagram:
    """Return a diagram with the longest text of each row, in which arrows point forward."""
    first = diagrams[0]
    nodes = [
        replace(
            node, rows=tuple(max(texts, key=len) for texts in zip(*(d.nodes[n].rows for d in diagrams), strict=True))
        )
        for n, node in enumerate(first.nodes)
    ]
    nodes = [replace(n, rows=(*n.rows, text)) if text else n for n, text in zip(nodes, extra, strict=True)]
    edges = [
        replace(
            edge,
            rows=tuple(max(texts, key=len) for texts in zip(*(d.edges[n].rows for d in diagrams), strict=True)),
            backward=False,
            sign=None,
        )
        for n, edge in enumerate(first.edges)
    ]
    return replace(first, nodes=tuple(nodes), edges=tuple(edges))


def _node(item: Any, middle: Point) -> Box:
    return Box(*middle, 72 * float(item["width"]), 72 * float(item["height"]))


def _curve(points: Points, label: Point | None) -> Curve:
    return Curve(points, cut(points), label)


def _cluster(box: str, at: Any) -> Box:
    left, low, right, high = box.split(",")
    (x0, y1), (x1, y0) = at(f"{left},{low}"), at(f"{right},{high}")
    return Box((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0)


def _points(item: Any, at: Any) -> Points:
    """Return the control points of an arrow, to the tip of its head."""
    words = item["pos"].split()
    tip = None
    while words[0][0] in "se":
        mark, _, text = words.pop(0).partition(",")
        tip = at(text) if mark == "e" else tip
    points = [at(word) for word in words]
    return (*points, points[-1], tip, tip) if tip is not None else tuple(points)

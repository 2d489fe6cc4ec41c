"""From a step of training to files: one page, or a picture for each frame."""

from __future__ import annotations

import os
from collections.abc import Mapping

from dagprop.errors import DagpropError, GraphError, Problem, quote, suggest
from dagprop.explain.numbers import Shown
from dagprop.explain.training_step import TrainingStep
from dagprop.render.animation.frames import Scene, animation
from dagprop.render.animation.layout import layout
from dagprop.render.animation.page import page
from dagprop.render.animation.svg import reuse_texts, slide
from dagprop.render.diagrams.records import THEMES
from dagprop.render.diagrams.theme import theme_of

FORMATS = ("html", "frames")


def animate_step(
    scene: Scene, step: TrainingStep, format: str | None, theme: str | None, path: str | None
) -> dict[str, bytes]:
    """Return the content of the files of an animation, by name: one page, or a picture for each frame.

    Parameters
    ----------
    scene : Scene
        What is shown.
    step : TrainingStep
    format : {"html", "frames"} or None
        None for what the path asks for.
    theme : {"light", "dark"} or None
        None for a page that goes with what the reader's machine is set to, and for light pictures.
    path : str or None
        A page, if it ends so; else a folder.

    Raises
    ------
    GraphError
        If there is no such format or theme (DP011), or the network is too large (DP803).
    MissingDependencyError, ComputationError
        If there is no Graphviz, or it fails.
    """
    format = format or format_of(path)
    for name, value, choices in (("format", format, FORMATS), ("theme", theme or "light", THEMES)):
        if value not in choices:
            message = f"{name} is one of {', '.join(choices)}, not {quote(value)}"
            raise GraphError(Problem("DP011", message, suggest(str(value), choices)))
    made = animation(scene, step)
    places = layout([frame.diagram for frame in made.frames], reuse_texts(made))
    if format == "html":
        nodes = step.network.graph.nodes
        return {"": page(made, places, Shown(scene.view.digits), nodes, theme)}
    digits = len(str(len(made.frames) - 1))
    colours = theme_of(theme or "light")
    return {
        f"{number:0{digits}}-{frame.phase}.svg": slide(made, frame, places, colours)
        for number, frame in enumerate(made.frames)
    }


def format_of(path: str | None) -> str:
    """Return the format that a path asks for.

    Raises
    ------
    GraphError
        If it asks for none (DP011).
    """
    if path is None or path.lower().endswith((".html", ".htm")):
        return "html"
    ending = os.path.splitext(path)[1]
    if ending:
        hint = "end it in .html for a page, or name a folder for frames"
        raise GraphError(Problem("DP011", f"no animation ends in {ending}", hint))
    return "frames"


def write_animation(files: Mapping[str, bytes], path: str) -> None:
    """Write the files of an animation: a page to a path, or frames into a folder, which is made.

    Raises
    ------
    DagpropError
        If a file cannot be written (DP603).
    """
    try:
        if "" not in files:
            os.makedirs(path, exist_ok=True)
        for name, content in files.items():
            with open(os.path.join(path, name) if name else path, "wb") as stream:
                stream.write(content)
    except OSError as error:
        message = f"the file cannot be written: {error.strerror or error}"
        raise DagpropError(Problem("DP603", message, "name another one", file=path)) from error

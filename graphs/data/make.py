"""Make line.csv and two-spirals.csv, which are computed and not measured: ``python graphs/data/make.py``."""

from __future__ import annotations

import math
import random
from pathlib import Path

FOLDER = Path(__file__).parent


def line(rows: int = 30, slope: float = 1.5, noise: float = 0.2, seed: int = 1) -> str:
    """Return points near the line y = 1.5 x, with x evenly from -2 to 2 and normal noise."""
    # random() gives the same numbers in every version of Python; a sum of twelve is close to normal, with variance 1.
    dice = random.Random(seed)
    text = "x,y\n"
    for row in range(rows):
        x = -2 + 4 * row / (rows - 1)
        deviation = sum(dice.random() for _ in range(12)) - 6
        text += f"{x:.3f},{slope * x + noise * deviation:.3f}\n"
    return text


def two_spirals(points: int = 97) -> str:
    """Return the two spirals of Lang and Witbrock (1988), three turns each: 97 points and their mirror images."""
    text = "x,y,spiral\n"
    for point in range(points):
        angle = point * math.pi / 16
        radius = 6.5 * (104 - point) / 104
        x, y = radius * math.sin(angle), radius * math.cos(angle)
        text += f"{_rounded(x)},{_rounded(y)},1\n{_rounded(-x)},{_rounded(-y)},0\n"
    return text


def _rounded(number: float) -> float:
    """Return a number with five decimals, and 0 without a sign."""
    return round(number, 5) + 0.0


if __name__ == "__main__":
    (FOLDER / "line.csv").write_text(line(), encoding="utf-8")
    (FOLDER / "two-spirals.csv").write_text(two_spirals(), encoding="utf-8")

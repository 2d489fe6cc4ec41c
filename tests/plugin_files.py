"""Plugins to try: good and bad files, and packages as pip would install them."""

from __future__ import annotations

from pathlib import Path

DOUBLE = '''"""Doubles."""

from dagprop import op


@op("{name}")
def rule(xp, x):
    """Twice x."""
    return {factor} * x


@rule.derivative("x")
def _(x):
    return {factor}
'''

GOOD = DOUBLE.format(name="double", factor=2)
LINES = GOOD.count("\n")
"""Lines before what is added to the good plugin."""

BAD: dict[str, tuple[str | bytes, int, str]] = {
    "syntax error": (GOOD + "def (:\n", LINES + 1, "SyntaxError"),
    "not Python": ("%PDF-1.7 binary", 1, "SyntaxError"),
    "null bytes": (b"\x00\x01", 1, "null bytes"),
    "raises": (GOOD + "1 / 0\n", LINES + 1, "ZeroDivisionError: division by zero"),
    "exits": (GOOD + "import sys\nsys.exit(0)\n", LINES + 2, "it exits"),
    "exits at once": (GOOD + "import os\nos._exit(0)\n", LINES + 2, "it exits"),
    "loops": (GOOD + "while True:\n    pass\n", LINES + 1, "it has not ended after 1 s"),
    "sleeps": (GOOD + "import time\ntime.sleep(1000)\n", LINES + 2, "it has not ended after 1 s"),
    "floods": (GOOD + "while True:\n    print('x' * 99)\n", LINES + 2, "it prints more than 10000 characters"),
    "missing package": (GOOD + "import no_such_package\n", LINES + 1, 'install what it needs: "no_such_package"'),
    "shadows relu": (GOOD.replace('"double"', '"relu"'), 6, 'op "relu" is declared by'),
    "shadows a leaf": (GOOD.replace('"double"', '"input"'), 6, 'op "input" is declared by'),
    "shadows a layer": (GOOD.replace('"double"', '"dense"'), 6, 'op "dense" is declared by'),
    "wrong argument": (GOOD.replace("def _(x)", "def _(xx)"), 12, 'did you mean "x"?'),
    "wrong input": (GOOD.replace('derivative("x")', 'derivative("z")'), 12, "names no input"),
    "declared twice": (GOOD + GOOD, LINES + 6, f"declared twice, in lines 6 and {LINES + 6}"),
    "declares nothing": ("x = 1\n", 1, "it declares nothing"),
}
"""What can be wrong with a plugin: its text, the line that is to be named, and what is to be said."""

LOOPS = ("loops", "sleeps", "floods")
"""Those that come to their end only because they are stopped."""


def write(folder: Path, text: str | bytes = GOOD, name: str = "own.py") -> str:
    """Write a plugin file; gives its path."""
    path = folder / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def install(
    folder: Path, text: str = GOOD, *, module: str = "own_package", plugin: str = "own", version: str = "1.0"
) -> str:
    """Write a package with a plugin, and the records that pip writes, into a folder of ``sys.path``; gives its file."""
    record = folder / f"{module}-{version}.dist-info"
    record.mkdir(parents=True)
    distribution = module.replace("_", "-")
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    (record / "entry_points.txt").write_text(f"[dagprop.plugins]\n{plugin} = {module}\n")
    return write(folder, text, f"{module}.py")

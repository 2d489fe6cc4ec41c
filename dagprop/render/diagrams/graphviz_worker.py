"""Lays DOT out with the Graphviz inside pygraphviz: ``python -m dagprop.render.diagrams.graphviz_worker FORMAT``.

DOT comes on standard input, the picture goes to standard output.  It is a process of its own, so that a layout that
takes too long can be stopped and one that crashes takes nothing with it.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Read DOT, write a picture."""
    import pygraphviz

    source = sys.stdin.buffer.read().decode()
    picture = pygraphviz.AGraph(string=source).draw(format=sys.argv[1], prog="dot")
    sys.stdout.buffer.write(picture)


if __name__ == "__main__":
    main()

"""Where the command ``dagprop`` begins: from here on Ctrl-C leaves no traceback, even while Python imports the rest."""

from __future__ import annotations

import sys

INTERRUPTED = 130
"""The exit code of what was interrupted, as of a shell: 128 + SIGINT."""


def main() -> None:
    """Run the command line, as :func:`dagprop.cli.main.main` does, and leave with its exit code."""
    try:
        from dagprop.cli.main import main as run

        run()
    except KeyboardInterrupt:
        if sys.stderr is not None:
            print("interrupted", file=sys.stderr)  # noqa: T201 - click may not be there yet
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()

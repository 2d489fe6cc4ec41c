"""How kernels are called, and into what parts their columns are cut for several threads.

Every kernel is a function of an array of addresses and of two columns: it works from one of them to the other.
"""

from __future__ import annotations

from collections.abc import Sequence

from dagprop.record import record

PARTS = 4
"""How many parts for each thread: with more than one, nobody waits long for the last."""


@record
class Share:
    """What of a kernel is done at a time.

    Attributes
    ----------
    columns : int
        How many there are.
    part : int
        How many of them a thread takes at a time; all, if the kernel is not shared.
    seconds : float
        How long one thread takes for all of them, about.
    """

    columns: int
    part: int
    seconds: float

    @property
    def several(self) -> bool:
        """Whether there is more than one part."""
        return self.part < self.columns


def share(columns: int, unit: int, seconds: float, threads: int, least: float) -> Share:
    """Return how the columns of a kernel are shared.

    Parameters
    ----------
    columns : int
    unit : int
        All parts have a multiple of so many columns, but what is left over is part of the last.
    seconds : float
        That one thread takes, about.
    threads : int
    least : float
        Seconds of a part: in less, it is not worth to be handed over.
    """
    parts = min(columns // max(unit, 1), int(seconds / least), PARTS * threads)
    if threads < 2 or parts < 2:
        return Share(columns, columns, seconds)
    return Share(columns, columns // unit // parts * unit, seconds)


def entry_text(name: str, arguments: Sequence[str]) -> str:
    """Return the function that is called for a kernel, whose own function has ``.body`` behind its name."""
    lines = [f"define i32 @{name}(ptr %arguments, i64 %from, i64 %to) {{"]
    for place, argument in enumerate(arguments):
        lines += [f"  %at{place} = getelementptr ptr, ptr %arguments, i64 {place}",
                  f"  %{argument} = load ptr, ptr %at{place}"]  # fmt: skip
    given = ", ".join([*(f"ptr %{argument}" for argument in arguments), "i64 %from", "i64 %to"])
    return "\n".join([*lines, f"  %answer = call i32 @{name}.body({given})", "  ret i32 %answer", "}", ""])


def body_head(name: str, arguments: Sequence[str]) -> str:
    """Return how the function of a kernel begins."""
    given = ", ".join([*(f"ptr noalias %{argument}" for argument in arguments), "i64 %from", "i64 %to"])
    return f"define internal i32 @{name}.body({given}) {{"

"""What can go wrong: one record for a problem, one base class, one table of codes.

A good error says where, what, what was expected and what to do.  Every stage collects :class:`Problem` records and
raises them together, so that a user mends a file once and not once per mistake.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dagprop.record import record

CODES: dict[str, str] = {
    "DP000": "The command line is used in a way that it does not understand, or dagprop itself has a fault.",
    # DP0xx: the file
    "DP001": "The file cannot be read: it is missing, a folder, or not permitted.",
    "DP002": "The file is not UTF-8 text.",
    "DP003": "The text is not JSON.",
    "DP004": "A JSON object has the same key twice.",
    "DP005": "A number is NaN, infinite, or too large to be stored.",
    "DP006": "The JSON is nested too deeply.",
    "DP007": 'The graph file version ("dagprop": 1) is missing or not known.',
    "DP008": "A JSON value has the wrong type.",
    "DP009": "A key that must be there is missing.",
    "DP010": "A string is not valid Unicode text.",
    "DP011": "A setting is out of its range or not among its choices.",
    # DP1xx: names
    "DP101": "No op or definition has this name.",
    "DP102": "A key or an attribute is not known.",
    "DP103": "An id has characters that ids may not have.",
    "DP104": "A reference names no node.",
    "DP105": "An input that the op needs is missing.",
    "DP106": "An input is given that the op does not have.",
    "DP107": "An attribute that the op needs is missing.",
    "DP108": "An attribute has a value that the op does not take.",
    "DP109": "Definitions use each other in a circle.",
    "DP110": "A definition is not consistent in itself.",
    "DP111": "The definitions expand to too many nodes.",
    "DP112": "A name is used twice.",
    "DP113": "A reference names an output that the node does not have.",
    # DP2xx: the graph
    "DP201": "The nodes depend on each other in a circle.",
    "DP202": "The loss or an output names no node.",
    "DP203": "The loss is neither a scalar nor one number per sample.",
    "DP204": "Warning: nothing uses this node.",
    "DP205": "Warning: this parameter cannot reach the loss, so it would never change.",
    "DP206": "The graph has no loss, and this needs one.",
    # DP3xx: shapes and values
    "DP301": "The shapes of the inputs do not fit the op.",
    "DP302": "A value is ragged, not numeric, or does not have the declared shape.",
    "DP303": "An array does not have the shape that the graph declares.",
    "DP304": "An input, parameter, constant or state has no value.",
    "DP305": "A value is given for something that takes none.",
    "DP306": "The inputs do not agree on a dimension that they share.",
    # DP4xx: data
    "DP401": "The data file cannot be read.",
    "DP402": "A cell of the data is not a usable number.",
    "DP403": "A column that the graph needs is not in the data.",
    "DP404": "The columns or arrays do not have the same number of rows.",
    "DP405": "There are no rows to work on.",
    "DP406": "An input has neither data nor a value.",
    "DP407": "A label is not among the classes.",
    "DP408": "The data is not a table: a row has too many or too few cells, or two columns have the same name.",
    "DP409": "The history of a training cannot be read, or is none.",
    # DP5xx: plugins and declarations
    "DP501": "A plugin could not be loaded.",
    "DP502": "Two providers declare the same op, or something else of the same kind and name.",
    "DP503": "An op, or what training is taught, is not declared in the way that its contract asks for.",
    "DP504": "An op has no derivative rule for an input that needs one.",
    "DP505": "The graph requires a plugin that is not there.",
    "DP506": "The list of registered plugins cannot be read.",
    "DP507": "There is no plugin of this name.",
    "DP508": "A command of a plugin failed.",
    "DP511": "A formula, or a name that is given with it, cannot be used for a plugin.",
    "DP512": "A plugin does not do what the op contract promises.",
    # DP6xx: checkpoints
    "DP601": "The weights file cannot be read.",
    "DP602": "The weights do not fit the graph.",
    "DP603": "A file cannot be written.",
    "DP604": "Warning: the weights were trained with another version of an op.",
    # DP7xx: computation
    "DP701": "A rule failed while it was computing.",
    "DP702": "A value is not finite.",
    "DP703": "A rule returned something of the wrong shape or type.",
    "DP704": "There is not enough memory.",
    "DP705": "The network cannot be compiled, or its compiled code fails.",
    # DP8xx: what is optional
    "DP801": "A package that this needs is not installed.",
    "DP802": "A picture could not be laid out.",
    "DP803": "A network is too large to be stepped through.",
}
"""Every error code with its meaning; ``docs/errors.md`` is generated from this table."""


@record
class Problem:
    """One thing that is wrong, and what to do about it.

    Attributes
    ----------
    code : str
        A stable code, one of :data:`CODES`.
    message : str
        What is wrong and what was expected, in one sentence without a full stop.
    hint : str, optional
        What to do.
    node : str, optional
        The id of the node concerned.
    path : tuple of str or int
        Where in the JSON document: ``("nodes", "h1", "inputs", 0)``.
    at_key : bool
        Whether the position meant is that of the key and not of its value.
    file, line, column
        Where in the file; line and column count from 1.  Filled in by whoever knows the file.
    warning : bool
        Whether the work can go on.
    unknown : str, optional
        The name that nothing has; whoever knows of plugins may find it there.
    """

    code: str
    message: str
    hint: str | None = None
    node: str | None = None
    path: tuple[str | int, ...] = ()
    at_key: bool = False
    file: str | None = None
    line: int | None = None
    column: int | None = None
    warning: bool = False
    unknown: str | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        parts = [place, "warning" if self.warning else "", f"node {quote(self.node)}" if self.node else ""]
        text = ": ".join([part for part in parts if part] + [f"{self.message} [{self.code}]"])
        return text if self.hint is None else f"{text}\n  {self.hint}"

    def to_json(self) -> dict[str, str | int | None]:
        """Return the problem as the object that ``--json`` prints."""
        names = ("code", "message", "file", "line", "column", "node", "hint")
        return {name: getattr(self, name) for name in names}


class DagpropError(Exception):
    """Base class of everything that dagprop raises on purpose.

    Parameters
    ----------
    *problems : Problem
        All that is wrong, in the order in which it stands in the file.
    """

    exit_code = 2

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    def in_file(self, file: str) -> DagpropError:
        """Return the same error with the file's name added to each problem that has none."""
        return type(self)(*(replace(p, file=p.file or file) for p in self.problems))


class GraphError(DagpropError):
    """The graph or its file is wrong (DP0xx to DP3xx)."""


class DataError(DagpropError):
    """The data does not fit, or cannot be read (DP4xx)."""


class PluginError(DagpropError):
    """A plugin or an op declaration is wrong (DP5xx)."""


class CheckpointError(DagpropError):
    """A weights file cannot be read or does not fit (DP6xx)."""


class ComputationError(DagpropError):
    """A computation failed (DP7xx)."""

    exit_code = 3


class MissingDependencyError(DagpropError):
    """Something optional is not installed."""

    exit_code = 4


def quote(text: object, limit: int = 60) -> str:
    """Return text in double quotes, on one line, shortened in the middle, safe to print anywhere."""
    import json  # here and below: loaded only when something is wrong, so that the command line starts fast

    escaped = json.dumps(text if isinstance(text, str) else str(text), ensure_ascii=False)
    escaped = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped)
    if len(escaped) <= limit:
        return escaped
    half = (limit - 3) // 2
    return f"{escaped[:half]}...{escaped[-half:]}"


def error_text(error: BaseException) -> str:
    """Return type and message of an exception that somebody's code raised; its own text may fail."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that a misspelt name is nearest to, or None where none is near."""
    import difflib

    by_lower_case = {candidate.lower(): candidate for candidate in candidates}
    near = difflib.get_close_matches(name[:80].lower(), list(by_lower_case), n=1, cutoff=0.6)
    return by_lower_case[near[0]] if near else None


def suggest(name: str, candidates: Iterable[str]) -> str | None:
    """Return ``did you mean "swish"?`` for the nearest candidate, or None where none is near."""
    near = nearest(name, candidates)
    return None if near is None else f"did you mean {quote(near)}?"

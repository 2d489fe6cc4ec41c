"""Formulas as MathML, which browsers draw without a script."""

from __future__ import annotations

from xml.etree import ElementTree

_ELEMENTS = frozenset(
    (
        *("math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mstyle", "mfrac", "msqrt", "mroot", "mpadded"),
        *("msub", "msup", "msubsup", "mover", "munder", "munderover", "mtable", "mtr", "mtd"),
    )
)

_ATTRIBUTES = frozenset(
    (
        *("accent", "accentunder", "columnalign", "columnspacing", "display", "displaystyle", "fence", "form"),
        *("largeop", "linethickness", "lspace", "mathvariant", "maxsize", "minsize", "movablelimits", "rowspacing"),
        *("rspace", "scriptlevel", "separator", "stretchy", "symmetric", "width"),
    )
)


_BRACKETS = {"(": "prefix", "[": "prefix", ")": "postfix", "]": "postfix"}


def mathml(latex: str, display: bool = False) -> str | None:
    """Return the MathML of a formula, or None if it cannot be made, or would hold more than mathematics.

    Parameters
    ----------
    latex : str
        As :class:`~dagprop.render.latex_printer.LatexPrinter` prints it.
    display : bool
        Whether sums and fractions are as large as in a displayed formula.
    """
    from latex2mathml.converter import convert

    try:
        made = convert(latex).replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "", 1)
        root = ElementTree.fromstring(made)
    except Exception:  # the library raises many kinds
        return None
    for element in root.iter():
        if element.tag not in _ELEMENTS or not _ATTRIBUTES.issuperset(element.attrib):
            return None
    for element in root.iter():
        _mend(element)
    root.attrib.clear()
    if display:
        root.set("displaystyle", "true")
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)


def _mend(element: ElementTree.Element) -> None:
    """Change what the library makes in another way than browsers expect it."""
    if element.tag == "mtext" and element.text:
        element.text = element.text.replace(r"\_", "_")
    if element.tag == "mo" and element.text in ("∂", "max", "min"):
        element.tag = "mi"  # without the space around an operator
    if element.tag == "msub" and element[0].text in ("∑", "∏"):
        element.tag = "munder"
    if element.tag == "munder" and element[0].tag == "munder" and element[0][1].text == "⏟":
        # Chromium cuts off a wide brace (it paints only the tiles on which the narrow one would lie): a style draws it.
        element[0] = element[0][0]
        element[0].set("class", "reused")
    if element.tag == "mover" and element[-1].tag == "mo":
        element.set("accent", "true")
    if element.tag == "mo" and element.text in _BRACKETS:
        element.set("form", _BRACKETS[element.text])
    before = None
    for child in element:
        if (
            child.tag == "mo"
            and child.text in ("−", "¬")
            and (before is None or before.tag == "mo")
            and not _closes(before)
        ):
            child.set("form", "prefix")
        before = child


def _closes(element: ElementTree.Element | None) -> bool:
    return element is not None and element.text in (")", "]")

"""tikz"""


def tikz_source(diagram, theme):
    """."""
    return ""

"""text"""


def text_source(diagram, theme):
    """."""
    return ""

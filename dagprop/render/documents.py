"""temporary"""


def render_document(document, format, shown, nodes, standalone=False):
    """."""
    from dagprop.render.text import text_document

    return text_document(document, shown)

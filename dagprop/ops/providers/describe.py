"""What something that is declared says of itself, in a line."""

from __future__ import annotations

import inspect
from typing import Any


def first_line(value: Any) -> str:
    """Return the first line of the description of something that is declared, or "" where it has none."""
    signature = getattr(value, "signature", None)
    texts = [getattr(value, "help", None), getattr(value, "doc", None), getattr(signature, "doc", None)]
    if inspect.isroutine(value) or inspect.isclass(value):
        texts.append(value.__doc__)
    return next((text.strip().partition("\n")[0] for text in texts if isinstance(text, str) and text.strip()), "")

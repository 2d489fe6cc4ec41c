"""Results as JSON holds them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def to_json(value: Any) -> Any:
    """Return a value as JSON can hold it: arrays as lists, non-finite numbers as texts."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return a value as one JSON text, as ``--json`` prints it."""
    return json.dumps(to_json(value), ensure_ascii=False, allow_nan=False, indent=indent)

"""What ops are called elsewhere, for hints: no graph may use these names."""

from __future__ import annotations

from collections.abc import Mapping

OTHER_NAMES: Mapping[str, str] = {
    **dict.fromkeys(("placeholder", "data"), "input"),
    **dict.fromkeys(("weight", "bias", "variable"), "parameter"),
    **{"plus": "add", "sub": "subtract", "minus": "subtract", "mul": "multiply", "times": "multiply"},
    **{"div": "divide", "neg": "negative", "pow": "power", "ln": "log", "atan": "arctan"},
    **dict.fromkeys(("mm", "dot", "gemm"), "matmul"),
    **dict.fromkeys(("squeeze", "unsqueeze", "flatten", "view"), "reshape"),
    **dict.fromkeys(("linear", "fc", "fully_connected"), "dense"),
    **{"logistic": "sigmoid", "silu": "swish"},
    **dict.fromkeys(("mse", "mse_loss"), "mean_squared_error"),
    **dict.fromkeys(("mae", "l1_loss"), "absolute_error"),
    **dict.fromkeys(("bce", "bce_loss", "bce_with_logits", "log_loss"), "binary_cross_entropy_with_logits"),
    **dict.fromkeys(("softmax_cross_entropy", "nll_loss", "categorical_crossentropy"), "cross_entropy"),
}
"""Names that other libraries and books use, each with ours."""

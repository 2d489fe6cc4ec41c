"""Values that are known exactly: the conventions at kinks, and tails where a careless formula loses all digits."""

import numpy as np
import pytest

from dagprop.author.trial import forward
from dagprop.backends.numpy_namespace import numpy_namespace
from tests.ops.samples import all_ops, gradient

# op, inputs, attributes, the result, the gradient of each input (None: not asked for) for ∂L/∂y = 1
KINKS = [
    ("abs", [0.0], {}, 0.0, [0.0]),
    ("relu", [0.0], {}, 0.0, [0.0]),
    ("leaky_relu", [0.0], {"alpha": 0.1}, 0.0, [0.1]),
    ("elu", [0.0], {"alpha": 2.0}, 0.0, [2.0]),
    ("absolute_error", [1.0, 1.0], {}, 0.0, [0.0, 0.0]),
    ("maximum", [2.0, 2.0], {}, 2.0, [0.5, 0.5]),
    ("maximum", [2.0, 1.0, 2.0, 2.0], {}, 2.0, [1 / 3, 0.0, 1 / 3, 1 / 3]),
    ("minimum", [2.0, 2.0, 3.0], {}, 2.0, [0.5, 0.5, 0.0]),
    ("max", [[3.0, 1.0, 3.0]], {}, 3.0, [[0.5, 0.0, 0.5]]),
    ("max", [[[1.0, 1.0], [0.0, 2.0]]], {"axis": 1}, [1.0, 2.0], [[[0.5, 0.5], [0.0, 1.0]]]),
    ("power", [0.0, 0.0], {}, 1.0, [0.0, 0.0]),
    ("power", [0.0, 1.0], {}, 0.0, [1.0, 0.0]),
    ("power", [0.0, 2.0], {}, 0.0, [0.0, 0.0]),
    ("power", [-3.0, 2.0], {}, 9.0, [-6.0, np.nan]),
    ("multiply", [0.0, 0.0, 3.0], {}, 0.0, [0.0, 0.0, 0.0]),
    ("multiply", [0.0, 2.0, 3.0], {}, 0.0, [6.0, 0.0, 0.0]),
    ("where", [-2.0, 5.0, 7.0], {}, 5.0, [0.0, 1.0, 0.0]),
    ("where", [0.0, 5.0, 7.0], {}, 7.0, [0.0, 0.0, 1.0]),
    ("affine", [2.0, 3.0, 1.0], {}, 7.0, [3.0, 2.0, 1.0]),
    ("affine", [2.0, 3.0], {}, 6.0, [3.0, 2.0]),
    ("absolute_error", [[3.0, -1.0], [1.0, 1.0]], {}, [2.0, 2.0], [[1.0, -1.0], [-1.0, 1.0]]),
    ("mean_squared_error", [[1.0, 3.0], [0.0, 0.0]], {}, 5.0, [[1.0, 3.0], [-1.0, -3.0]]),
    ("snake", [np.pi / 4], {"a": 2.0}, np.pi / 4 + 0.5, [1.0]),
    ("half_squared_error", [0.5, 2.0], {}, 1.125, [-1.5, 1.5]),
    ("cross_entropy", [[0.0, 0.0], 1.0], {}, np.log(2), [[0.5, -0.5], 0.0]),
    ("cross_entropy", [[[0.0, 0.0], [1e4, 0.0]], [1, 1]], {}, [np.log(2), 1e4], [[[0.5, -0.5], [1.0, -1.0]], [0, 0]]),
    ("cross_entropy", [[0.0, 0.0], [0.0, 1.0]], {}, np.log(2), [[0.5, -0.5], [np.log(2), np.log(2)]]),
    ("binary_cross_entropy_with_logits", [1e4, 0.0], {}, 1e4, [1.0, -1e4]),
    ("binary_cross_entropy_with_logits", [1e4, 1.0], {}, 0.0, [0.0, -1e4]),
]

# op, inputs, attributes, result, derivative for the first input: from mpmath with 60 digits
TAILS = [
    ("sigmoid", [-40.0], {}, 4.248354255291589e-18, 4.248354255291589e-18),
    ("sigmoid", [-700.0], {}, 9.8596765437597709e-305, 9.8596765437597709e-305),
    ("softplus", [-40.0], {}, 4.248354255291589e-18, 4.248354255291589e-18),
    ("swish", [-40.0], {}, -1.6993417021166356e-16, -1.6568581595637197e-16),
    ("gelu", [-10.0], {}, -7.6198530241605261e-23, -7.6184000964648141e-22),
    ("gelu", [-30.0], {}, -1.4720141781444561e-196, -4.4160316907084944e-195),
    ("gelu", [-5.0], {"approximate": "tanh"}, -2.291796196629506e-7, -1.5463619875325946e-6),
    ("gelu", [-10.0], {"approximate": "tanh"}, -1.204092348209806e-37, -2.7576380638540316e-36),
    ("elu", [-1e-12], {}, -9.999999999995e-13, 0.999999999999),
    ("binary_cross_entropy_with_logits", [40.0, 1.0], {}, 4.248354255291589e-18, None),
]


def complete(op, attributes):
    return {attribute.name: attribute.default for attribute in op.signature.attributes} | attributes


@pytest.mark.parametrize(("name", "inputs", "attributes", "result", "gradients"), KINKS)
def test_conventions(name, inputs, attributes, result, gradients):
    op = all_ops()[name]
    arrays = [np.array(x, dtype=float) for x in inputs]
    y = forward(op, arrays, complete(op, attributes))
    np.testing.assert_allclose(y, result, rtol=1e-15)
    for position, expected in enumerate(gradients):
        computed = gradient(op, position, arrays, complete(op, attributes), np.ones(np.shape(y)))
        np.testing.assert_allclose(computed, expected, rtol=1e-15)


@pytest.mark.parametrize(("name", "inputs", "attributes", "result", "derivative"), TAILS)
def test_small_results_keep_their_digits(name, inputs, attributes, result, derivative):
    op = all_ops()[name]
    inputs = [np.array(x) for x in inputs]
    np.testing.assert_allclose(forward(op, inputs, complete(op, attributes)), result, rtol=1e-11)
    if derivative is not None:
        computed = gradient(op, 0, inputs, complete(op, attributes), np.array(1.0))
        np.testing.assert_allclose(computed, derivative, rtol=1e-11)


def test_differences_between_large_logits_survive_single_precision():
    logits = np.array([1e4, 1e4], dtype=np.float32)
    log_softmax = all_ops()["log_softmax"].forward(numpy_namespace, logits)
    np.testing.assert_allclose(log_softmax, -np.log(2), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "inputs", "attributes", "message"),
    [
        ("cross_entropy", [[[0.0, 1.0]], [2.0]], {}, "class index 2 is not a whole number from 0 to 1"),
        ("cross_entropy", [[[0.0, 1.0]], [-1.0]], {}, "class index -1 "),
        ("cross_entropy", [[[0.0, 1.0]], [0.5]], {}, "class index 0.5 "),
        ("cross_entropy", [[[0.0, 1.0]], [np.nan]], {}, "class index nan "),
        ("cross_entropy", [[[0.0, 1.0]], [[1.0]]], {}, "one axis less"),
        ("mean_squared_error", [[[1.0], [2.0]], [1.0, 2.0]], {}, "same shape"),
        ("reshape", [[1.0, 2.0]], {"shape": ("N", -1)}, "only one size"),
    ],
)
def test_ops_refuse_what_would_be_silently_wrong(name, inputs, attributes, message):
    with pytest.raises(ValueError, match=message):
        forward(all_ops()[name], [np.array(x) for x in inputs], attributes)

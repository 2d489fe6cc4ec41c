"""Linear algebra, and what changes the shape but not the numbers."""

from __future__ import annotations

from dagprop.ops.registry import op


@op("matmul")
def matmul(xp, left, right):
    """Matrix product, left · right, by NumPy's rules for vectors; leading axes broadcast."""
    return xp.matmul(left, right)


@matmul.pullback("left")
def _(xp, g, left, right):
    # ∂L/∂A = G · Bᵀ
    gradient = xp.matmul(_as_matrix(g, left, right), xp.matrix_transpose(_column(right)))
    return gradient[..., 0, :] if left.ndim == 1 else gradient


@matmul.pullback("right")
def _(xp, g, left, right):
    # ∂L/∂B = Aᵀ · G
    gradient = xp.matmul(xp.matrix_transpose(_row(left)), _as_matrix(g, left, right))
    return gradient[..., 0] if right.ndim == 1 else gradient


def _row(left):
    return left[None, :] if left.ndim == 1 else left


def _column(right):
    return right[:, None] if right.ndim == 1 else right


def _as_matrix(g, left, right):
    """Return g with the axes of size 1 that the product of a vector does not show."""
    if right.ndim == 1:
        g = g[..., None]
    return g[..., None, :] if left.ndim == 1 else g


@op("transpose")
def transpose(xp, x, *, axes: tuple[int, ...] | None = None):
    """Axes in another order: axis i of the result is axis ``axes[i]`` of x; by default in reverse order."""
    return xp.permute_dims(x, _order(x, axes))


@transpose.pullback("x")
def _(xp, g, axes):
    order = _order(g, axes)
    return xp.permute_dims(g, tuple(order.index(i) for i in range(g.ndim)))


def _order(x, axes):
    """Return the axes as numbers from 0."""
    if axes is None:
        return tuple(reversed(range(x.ndim)))
    return tuple(axis + x.ndim if axis < 0 else axis for axis in axes)


@op("reshape")
def reshape(xp, x, *, shape):
    """Elements in another shape; one size may be -1 or a name such as "N", and follows from the others."""
    if sum(size == -1 or isinstance(size, str) for size in shape) > 1:
        raise ValueError("only one size of the new shape may be -1 or a name: write the others as numbers")
    return xp.reshape(x, shape)


@reshape.pullback("x")
def _(xp, g, x):
    return xp.reshape(g, x.shape)

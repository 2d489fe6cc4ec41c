"""Reductions: one number for all elements, or for those along some axes."""

from __future__ import annotations

from dagprop.ops.registry import op


@op("sum")
def total(xp, x, *, axis: int | tuple[int, ...] | None = None, keepdims=False):
    """Sum over an axis, several, or all, Σᵢ xᵢ."""
    return xp.sum(x, axis=axis, keepdims=keepdims)


@total.pullback("x")
def _(xp, g, x, axis, keepdims):
    return xp.broadcast_to(_kept(xp, g, axis, keepdims), x.shape)


@op("mean")
def mean(xp, x, *, axis: int | tuple[int, ...] | None = None, keepdims=False):
    """Mean over an axis, several, or all, 1/n Σᵢ xᵢ."""
    return xp.mean(x, axis=axis, keepdims=keepdims)


@mean.pullback("x")
def _(xp, g, x, axis, keepdims):
    return xp.broadcast_to(_kept(xp, g, axis, keepdims), x.shape) / xp.count(x, axis)


@op("max")
def largest(xp, x, *, axis: int | tuple[int, ...] | None = None, keepdims=False):
    """Largest element over an axis, several, or all, maxᵢ xᵢ; equal ones share the gradient equally."""
    return xp.max(x, axis=axis, keepdims=keepdims)


@largest.pullback("x")
def _(xp, g, x, y, axis, keepdims):
    chosen = xp.where(x == _kept(xp, y, axis, keepdims), 1.0, 0.0)
    return _kept(xp, g, axis, keepdims) * chosen / xp.sum(chosen, axis=axis, keepdims=True)


def _kept(xp, reduced, axis, keepdims):
    """Return a reduced array with the axes it lost, of size 1, so that it broadcasts against what it was made from."""
    if keepdims or axis is None:
        return reduced
    return xp.expand_dims(reduced, axis)

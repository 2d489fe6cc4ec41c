"""scikit-learn: MLPClassifier by partial_fit, which trains one epoch a call."""

from __future__ import annotations

from sklearn.neural_network import MLPClassifier

from tests.benchmarks.problems import Epoch, Mlp


def mlp(problem: Mlp) -> Epoch:
    """Plain SGD; the first call makes the layers, into which the starting parameters are then put."""
    x, y = problem.data()
    model = MLPClassifier(
        problem.sizes[1:-1],
        solver="sgd",
        alpha=0,
        batch_size=problem.batch,
        learning_rate_init=problem.rate,
        momentum=0,
        nesterovs_momentum=False,
        shuffle=False,
    )
    model.partial_fit(x[: problem.batch], y[: problem.batch], classes=range(problem.sizes[-1]))
    # The optimiser holds these arrays: they are filled, not replaced.
    for number, (weight, bias) in enumerate(problem.start()):
        model.coefs_[number][...] = weight
        model.intercepts_[number][...] = bias

    def epoch() -> float:
        model.partial_fit(x, y)
        return float(model.loss_)

    return epoch

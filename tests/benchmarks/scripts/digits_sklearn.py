"""The digits in scikit-learn: MLPClassifier, epoch by epoch, so that the starting weights can be given."""

import sys
from pathlib import Path

import numpy as np
from sklearn.neural_network import MLPClassifier

DATA = Path(__file__).parents[3] / "graphs/data/digits.csv"

table = np.loadtxt(DATA, delimiter=",", skiprows=1)
x, y = table[:, :-1] / 16, table[:, -1].astype(int)
model = MLPClassifier(
    32,
    solver="sgd",
    alpha=0,
    batch_size=32,
    learning_rate_init=0.1,
    momentum=0,
    nesterovs_momentum=False,
    shuffle=False,
)
model.partial_fit(x[:32], y[:32], classes=range(10))  # makes the layers; their arrays are then filled
start = np.load(sys.argv[1])
for number, name in enumerate(("hidden", "logits")):
    model.coefs_[number][...] = start[f"{name}/w"]
    model.intercepts_[number][...] = start[f"{name}/b"]
for _ in range(50):
    model.partial_fit(x, y)
print(model.loss_)

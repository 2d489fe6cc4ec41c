"""The digits in PyTorch: what a user would write, but for the starting weights, which are given as a file."""

import sys
from pathlib import Path

import numpy as np
import torch

DATA = Path(__file__).parents[3] / "graphs/data/digits.csv"
BATCH = 32

table = np.loadtxt(DATA, delimiter=",", skiprows=1, dtype=np.float32)
x, y = torch.from_numpy(table[:, :-1] / 16), torch.from_numpy(table[:, -1]).long()
model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
start = np.load(sys.argv[1])
with torch.no_grad():
    for layer, name in ((model[0], "hidden"), (model[2], "logits")):
        layer.weight.copy_(torch.from_numpy(start[f"{name}/w"].T))
        layer.bias.copy_(torch.from_numpy(start[f"{name}/b"]))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loss_function = torch.nn.CrossEntropyLoss()

for _ in range(50):
    total = 0.0
    for batch, classes in zip(x.split(BATCH), y.split(BATCH), strict=True):
        optimizer.zero_grad()
        loss = loss_function(model(batch), classes)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
print(total / len(x))

"""One step of graphs/four-layer-chain.json in PyTorch."""

import torch

w1, b1, w2, w3 = parameters = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.8, 0.1, -1.2, 1.5)]
optimizer = torch.optim.SGD(parameters, lr=1.0)
prediction = torch.sigmoid(w3 * torch.sigmoid(w2 * torch.sigmoid(w1 * 0.5 + b1)))
loss = 0.5 * (prediction - 1.0) ** 2
loss.backward()
optimizer.step()
print(loss.item())

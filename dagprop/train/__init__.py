"""How a network learns: data, initialisers, splits, metrics, the training loop, and saved weights."""

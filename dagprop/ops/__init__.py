"""What does a node *do*: the op contract, the registry, plugins, and the families of built-in rules."""

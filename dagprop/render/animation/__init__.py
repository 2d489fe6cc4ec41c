"""Back-propagation in motion: one step of training as pictures that follow each other."""

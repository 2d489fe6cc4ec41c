"""Why a gradient is what it is: the chain rule of a network, its paths, its cost, and where it fades or grows."""

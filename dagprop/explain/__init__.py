"""Why a gradient is what it is: formulas and derivations, made from the rules themselves."""

"""A layer: a definition in a JSON file, which graphs use as an op by the name of the file.

Try it: put ``{"op": "gated_dense", "inputs": ["x"], "units": 8}`` into a graph and add ``--plugin
plugins/gated_dense.py``.
"""

from dagprop import definition

definition("gated_dense.json")

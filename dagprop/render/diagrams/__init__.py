"""Diagrams of networks: from a graph to a :class:`~dagprop.render.diagrams.records.Diagram` to a picture."""

"""Graph -> Report: volumes, costs and receptive fields of every layer.

In: a Graph, right or wrong.  Out: a Report with a row for every layer that could be computed.
Imports: the ground, layers, graph.
"""

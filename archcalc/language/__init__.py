"""The spec language: nodes -> steps -> Graph.

In: a spec's text, or a pattern, with variables.  Out: a Document: its Graph, and what is wrong with it.
Imports: the ground, reader, layers, graph.
"""

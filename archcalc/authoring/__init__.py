"""Texts of specs that archcalc writes: from a graph, repaired, to start from, and their JSON Schema.

In: a Graph, or a spec's text.  Out: a spec's text.
Imports: everything but formats and commands.
"""

"""Report -> Plan: what lives when, what autograd keeps, a training step's peak, and what fits.

In: a complete Report and settings.  Out: bytes, by moment and by layer.
Imports: the ground, layers, graph, analysis.
"""

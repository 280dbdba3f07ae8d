"""Networks from networks: what differs between two, and the same network in another form.

In: Reports.  Out: a Comparison, or another Graph.
Imports: the ground, layers, graph, analysis, memory, checks, architecture.
"""

"""The network executed in NumPy, and compared with what the analysis says; or with PyTorch.

In: a complete Report.  Out: a Verification, layer by layer.
Imports: the ground, forward, layers, graph, analysis, memory.
"""

"""A PyTorch model -> Graph, by running it once without values and watching its operators (the `torch` extra).

In: a module that the user named or handed over, whose own code runs; an input's size.  Out: a Graph, findings, weights.
Imports: the ground, layers, graph.  Nothing here is imported before a model is asked for.
"""

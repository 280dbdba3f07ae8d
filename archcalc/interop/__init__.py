"""Files of other tools -> Graph, and Graph -> files of other tools; one file a format.

In: untrusted bytes, read under budgets without any framework.  Out: a Graph and problems.
Imports: the ground, reader, layers, graph, language.
"""

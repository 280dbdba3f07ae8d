"""Findings beyond what does not fit: rules of advice, expectations of the spec, what comments hide.

In: a Document and its Report.  Out: Diagnostics in the order of the text.
Imports: the ground, reader, layers, graph, language, analysis, memory.
"""

"""The picture of a network: its volumes as boxes to scale, in the order they are computed.

In: a Report.  Out: an SVG as text, whose numbers are the same on every machine.
    boxes -> nesting -> repeats -> layout -> edges -> picture
Imports: the ground, layers, graph, analysis, other formats' words.
"""

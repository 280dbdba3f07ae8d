"""Text -> nodes -> values: a spec read under budgets, every scalar with its place, nothing evaluated.

In: untrusted text.  Out: `nodes.Node` trees, problems, and the kinds of value a key can hold.
Imports: the ground (diagnostics, volume).
"""

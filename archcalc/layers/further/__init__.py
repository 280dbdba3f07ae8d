"""Layer types that few networks have, each in a module named after it.

In and out: as for the common families.  A module is imported when a spec mentions its type.
Imports: the families; what several types here share is in modules whose names begin with `_`.
"""

"""A design space under a budget: the figures of all networks that a spec's variables make.

The analysis runs once for a *structure*, on numbers that stand for the variables of all networks (numbers.py); what comes out
are formulas, and the conditions under which they hold (structure.py).  Both are then evaluated over arrays (evaluate.py), and
networks for which a condition fails make a structure of their own.  So there is one set of shape rules and costs.
"""

"""A project's own choices about findings: `[tool.archcalc]`, baselines, and what a finding is known by.

In: pyproject.toml, a baseline, findings.  Out: which of them count.
Imports: the ground, reader, checks, architecture.
"""

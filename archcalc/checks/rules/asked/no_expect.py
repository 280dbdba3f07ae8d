"""The spec expects nothing.

An `expect` block states what a change must not break, and `check` holds the network against it: its output, its
parameters, what training may take.

Bad:

    input: 32x32x3
    layers: [CONV3-16p1 -> RELU -> GAP -> FC-10]

Good:

    input: 32x32x3
    layers: [CONV3-16p1 -> RELU -> GAP -> FC-10]
    expect: {output: 1x1x10, params: 618}
"""

from collections.abc import Iterator

from archcalc.checks.advice import Network, Remark, advice


@advice("AC619", __doc__, severity="info")
def no_expect(network: Network) -> Iterator[Remark]:
    entries = network.document.entries
    if "expect" not in entries and entries.keys() != {"pattern"}:  # a pattern of the command line has no place for it
        y, totals = network.report.output, network.report.totals
        yield Remark(
            network.rows[0].node.span,
            "the spec has no `expect` block",
            help=(f"`expect: {{output: {str(y)[1:-1]}, params: {totals.params:_}}}` holds today",),
        )

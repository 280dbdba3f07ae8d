"""The plot, what became of all networks, and the networks that were kept with their commands: a page of its own."""

from html import escape

from archcalc.formats import Look
from archcalc.formats.sweep._scatter import scatter
from archcalc.formats.sweep.table import below, cells
from archcalc.variants.sweeping.sweep import Result

CLOUD = True
MOST = 1_000  # lines

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.4 system-ui, sans-serif }}
body {{ margin: 2em }}
svg {{ max-width: 60em; display: block }}
table {{ border-collapse: collapse }}
th, td {{ padding: .15em .8em; text-align: right; border-bottom: 1px solid color-mix(in srgb, currentcolor 20%, transparent) }}
td {{ font-variant-numeric: tabular-nums }}
td:last-child, th:last-child {{ text-align: left }}
</style>
<h1>{title}</h1>
{plot}<pre>{below}</pre>
<table>
<thead>{head}</thead>
<tbody>
{body}
</tbody>
</table>
</html>
"""


def render(result: Result, look: Look) -> str:
    request = result.request
    heads, lines = cells(result, MOST)
    commands = [request.command(request.point(result.rows, at)) for at in range(len(lines))]
    body = [_line([*line, f"\0{one}"], "td") for line, one in zip(lines, commands, strict=True)]
    return _PAGE.format(
        title=escape(f"sweep of {request.spec}"),
        plot=scatter(result),
        below=escape("\n".join(below(result, MOST))),
        head=_line([*heads, "command"], "th"),
        body="\n".join(body),
    )


def _line(texts: list[str], tag: str) -> str:
    """A line of the table; what begins with a null character is code."""
    marked = (f"<code>{escape(one[1:])}</code>" if one.startswith("\0") else escape(one) for one in texts)
    return "<tr>" + "".join(f"<{tag}>{one}</{tag}>" for one in marked) + "</tr>"

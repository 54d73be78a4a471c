"""The frame of a page: its style, sections and tables."""

from collections.abc import Iterable, Sequence
from typing import Final

from ops.html.text import escaped

__all__ = ["paragraph", "render", "section", "table"]

_STYLE: Final = """
:root{color-scheme:light dark;--paper:#fcfcfb;--ink:#1a1a19;--soft:#5c5b57;--rule:#e3e2de;
--c0:#2a6fc9;--c1:#c2571a;--c2:#14806a;--c3:#7748c4;--c4:#8a6d00;--mark:#c9302c}
@media(prefers-color-scheme:dark){:root{--paper:#1a1a19;--ink:#f2f1ed;--soft:#b0aea6;--rule:#3a3936;
--c0:#6aa5ee;--c1:#ec8a52;--c2:#3fbf9f;--c3:#ab8af0;--c4:#d3b13a;--mark:#f0716d}}
body{background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif;margin:2rem auto;
max-width:820px;padding:0 1rem}
h1{font-size:1.5rem;overflow-wrap:anywhere}h2{font-size:1.15rem;margin-top:2.5rem}
.note{color:var(--soft)}.lead{font-size:1.1rem}
figure{margin:1.5rem 0}figcaption{font-weight:600}
figure p{margin:.2rem 0;color:var(--soft);font-size:.9rem}
svg{display:block;width:100%;height:auto}svg text{fill:var(--soft);font-size:11px}
.grid{stroke:var(--rule);fill:none}.zero{stroke:var(--soft);fill:none}
.line{fill:none;stroke-width:1.8;stroke-linejoin:round}.band{stroke:none;opacity:.18}
.shade{fill:var(--soft);opacity:.14}
.mark{stroke:var(--mark);stroke-dasharray:2 3;fill:none}
.line.c0,.whisker.c0{stroke:var(--c0)}.line.c1,.whisker.c1{stroke:var(--c1)}
.line.c2,.whisker.c2{stroke:var(--c2)}.line.c3,.whisker.c3{stroke:var(--c3)}
.line.c4,.whisker.c4{stroke:var(--c4)}
.band.c0,.dot.c0,.bar.c0{fill:var(--c0)}.band.c1,.dot.c1,.bar.c1{fill:var(--c1)}
.band.c2,.dot.c2,.bar.c2{fill:var(--c2)}.band.c3,.dot.c3,.bar.c3{fill:var(--c3)}
.band.c4,.dot.c4,.bar.c4{fill:var(--c4)}
.whisker{fill:none;stroke-width:1.5;opacity:.7}.bar{opacity:.8}
.key{margin-right:1rem;white-space:nowrap}
.key::before{content:"";display:inline-block;width:1.1em;height:3px;margin-right:.4em;
vertical-align:middle;background:currentcolor}
.key.c0::before{background:var(--c0)}.key.c1::before{background:var(--c1)}
.key.c2::before{background:var(--c2)}.key.c3::before{background:var(--c3)}
.key.c4::before{background:var(--c4)}.key.mark::before{background:var(--mark)}
.key.shade{opacity:1}.key.shade::before{background:var(--soft);opacity:.4;height:.8em}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:.25rem .5rem;border-bottom:1px solid var(--rule)}
th{color:var(--soft);font-weight:600}
th:first-child,td:first-child{text-align:left;overflow-wrap:anywhere;min-width:8rem}
"""


def render(title: str, parts: Iterable[str]) -> str:
    """A whole page."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escaped(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{escaped(title)}</h1>{''.join(parts)}</body></html>"
    )


def section(title: str) -> str:
    """A heading."""
    return f"<h2>{escaped(title)}</h2>"


def paragraph(text: str, kind: str = "note") -> str:
    """Text; `kind` is `note` or `lead`."""
    return f'<p class="{kind}">{escaped(text)}</p>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column is text, the others are numbers."""
    titles = "".join(f"<th>{escaped(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escaped(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f'<div class="scroll"><table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody>'
        "</table></div>"
    )

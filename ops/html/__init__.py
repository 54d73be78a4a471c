"""Pages that need nothing besides themselves: style, tables, and charts as inline SVG.

Readable in light and dark: everything drawn takes its colours from the page's variables.
"""

from ops.html.bar_chart import bar_chart
from ops.html.dot_chart import Dot, DotRow, dot_chart
from ops.html.heat_strip import heat_strip
from ops.html.line_chart import line_chart
from ops.html.page import paragraph, render, section, table

__all__ = [
    "Dot",
    "DotRow",
    "bar_chart",
    "dot_chart",
    "heat_strip",
    "line_chart",
    "paragraph",
    "render",
    "section",
    "table",
]

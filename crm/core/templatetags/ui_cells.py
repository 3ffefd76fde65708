"""Rows of a list: `{% cells row %} … {% cell "status" "cell-aside" %}{{ row.status_badge }}{% endcell %} … {% endcells %}`.

A list shows the columns that its reader chose, in their order. A cell that a template writes is rendered only where its column
is shown; the kit draws the others. `{% cell "contact" "num" label %}` names its CSS classes, and says that its column's name
stands before it on the phone; `{% cell "amount" %}<td …>…</td>{% endcell %}` writes its tags itself. Outside of a list (the same
rows on a client's page) all cells stand as they are written, and the name is what the variable says.
"""

from django.template import TemplateSyntaxError
from django.template.base import Node, NodeList
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

WRITTEN = "cells_written"


class Cells:
    """The cells of the rows of a list: those written of the row at hand, and the tags that all rows share."""

    def __init__(self, listing):
        self.listing, self.keys = listing, listing.keys
        self.labels = {column.key: column.label for column in listing.columns}
        self.written: dict[str, str] = {}
        self.tags: dict[CellNode, SafeString] = {}

    def tag(self, node: "CellNode", context) -> SafeString:
        if node not in self.tags:
            self.tags[node] = node.tag(context, self.labels[node.key])
        return self.tags[node]


class CellNode(Node):
    def __init__(self, key: str, nodelist: NodeList, css: str | None = None, label=None):
        self.key, self.nodelist, self.css, self.label = key, nodelist, css, label

    def tag(self, context, label="") -> SafeString:
        css = format_html(' class="{}"', self.css) if self.css else ""
        if self.label is not None and not label:
            label = self.label.resolve(context)
        return format_html("<td{}{}>", css, format_html(' data-label="{}"', label) if self.label is not None else "")

    def render(self, context):
        cells = context.get(WRITTEN)
        if cells is not None and self.key not in cells.keys:
            return ""
        made: str = self.nodelist.render(context)
        if self.css is not None:
            made = f"{cells.tag(self, context) if cells else self.tag(context)}{made}</td>"
        if cells is None:
            return mark_safe(made)  # nosec B308, B703  a rendered template
        cells.written[self.key] = made
        return ""


class CellsNode(Node):
    def __init__(self, row, nodelist: NodeList):
        self.row, self.nodelist = row, nodelist

    def render(self, context):
        listing = context.get("listing")
        if listing is None:
            return self.nodelist.render(context)
        cells = listing.memo(Cells, listing)
        cells.written = written = {}
        with context.push(**{WRITTEN: cells}):
            rest = self.nodelist.render(context)
        row = self.row.resolve(context)
        made = [written[c.key] if c.key in written else c.drawn(row) for c in listing.columns]
        return mark_safe("".join([rest.strip(), *made]))  # nosec B308, B703  rendered templates, and what format_html made


def do_cells(parser, token):
    _name, row = token.split_contents()
    nodelist = parser.parse(("endcells",))
    parser.delete_first_token()
    return CellsNode(parser.compile_filter(row), nodelist)


def do_cell(parser, token):
    _name, key, *told = token.split_contents()
    if len(told) > 2:
        raise TemplateSyntaxError('{% cell "key" %}, {% cell "key" "css" %} or {% cell "key" "css" label %}')
    nodelist = parser.parse(("endcell",))
    parser.delete_first_token()
    return CellNode(
        key.strip('"'), nodelist, *(told[:1] and [told[0].strip('"')]), *map(parser.compile_filter, told[1:])
    )

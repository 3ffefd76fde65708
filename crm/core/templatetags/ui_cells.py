"""Rows of a list: `{% cells row %} … {% cell "status" %}<td>…</td>{% endcell %} … {% endcells %}`.

A list shows the columns that its reader chose, in their order. A cell that a template writes is rendered only where its column
is shown; the kit draws the others. Outside of a list (the same rows on a client's page) all cells stand as they are written.
"""

from django.template.base import Node, NodeList
from django.utils.html import format_html_join

WRITTEN = "cells_written"


class CellNode(Node):
    def __init__(self, key: str, nodelist: NodeList):
        self.key, self.nodelist = key, nodelist

    def render(self, context):
        written = context.get(WRITTEN)
        if written is None:
            return self.nodelist.render(context)
        if self.key in context["listing"].keys:
            written[self.key] = self.nodelist.render(context)
        return ""


class CellsNode(Node):
    def __init__(self, row, nodelist: NodeList):
        self.row, self.nodelist = row, nodelist

    def render(self, context):
        listing = context.get("listing")
        if listing is None:
            return self.nodelist.render(context)
        row, written = self.row.resolve(context), {}
        with context.push(**{WRITTEN: written}):
            rest = self.nodelist.render(context)
        cells = (written[c.key] if c.key in written else c.drawn(row) for c in listing.columns)
        return format_html_join("", "{}", ((cell,) for cell in (rest, *cells)))


def do_cells(parser, token):
    _name, row = token.split_contents()
    nodelist = parser.parse(("endcells",))
    parser.delete_first_token()
    return CellsNode(parser.compile_filter(row), nodelist)


def do_cell(parser, token):
    _name, key = token.split_contents()
    nodelist = parser.parse(("endcell",))
    parser.delete_first_token()
    return CellNode(key.strip("\"'"), nodelist)

"""`{% shell "sidebar" nav.shape %} … {% hole "count today" %} … {% endshell %}`: a part of the layout that is rendered once for
each language and each of its arguments, with holes that every page fills from `nav.filling`, {name: safe text}.

Only words and addresses that are the same for everybody belong into it; what differs between users is a hole. A hole that
nothing fills is empty.

`{% stencil acts %} … {% hole "title" %} … {% endstencil %}` does the same for rows: it is rendered once for a list, and
`{% fill acts id=row.pk title=row.title %}` writes it for a row.
"""

import re

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

HOLE = re.compile("\ue000([^\ue001]*)\ue001")
KEPT = 2000
Pieces = list[str]  # text and name of a hole in turn
_shells: dict[tuple, Pieces] = {}


def _filled(pieces: Pieces, filling: dict[str, SafeString]) -> SafeString:
    return mark_safe("".join([filling.get(piece, "") if n % 2 else piece for n, piece in enumerate(pieces)]))  # nosec B308, B703  rendered templates, filled with safe text


class ShellNode(template.Node):
    child_nodelists = ("nodelist",)

    def __init__(self, words, nodelist):
        self.words, self.nodelist = words, nodelist

    def render(self, context):
        key = (get_language(), *(str(word.resolve(context)) for word in self.words))
        pieces = _shells.get(key)
        if pieces is None:
            if len(_shells) >= KEPT:
                _shells.clear()
            pieces = _shells[key] = HOLE.split(self.nodelist.render(context))
        if len(pieces) == 1:
            return mark_safe(pieces[0])  # nosec B308, B703  a rendered template
        filling = context["nav"]["filling"] if context.get("nav") else {}
        return _filled(pieces, filling)


def do_shell(parser, token):
    words = [parser.compile_filter(bit) for bit in token.split_contents()[1:]]
    if not words:
        raise template.TemplateSyntaxError('shell needs a name: {% shell "sidebar" … %}')
    nodelist = parser.parse(("endshell",))
    parser.delete_first_token()
    return ShellNode(words, nodelist)


class StencilNode(template.Node):
    child_nodelists = ("nodelist",)

    def __init__(self, name, nodelist):
        self.name, self.nodelist = name, nodelist

    def render(self, context):
        context[self.name] = HOLE.split(self.nodelist.render(context))
        return ""


def do_stencil(parser, token):
    bits = token.split_contents()
    if len(bits) != 2:
        raise template.TemplateSyntaxError("stencil needs one name: {% stencil acts %}")
    nodelist = parser.parse(("endstencil",))
    parser.delete_first_token()
    return StencilNode(bits[1], nodelist)


def hole(*words):
    """The place of `filling[words]` within a shell or a stencil; several words are one name."""
    return mark_safe(f"\ue000{' '.join(map(str, words))}\ue001")  # nosec B308, B703  names out of templates


def fill(stencil: Pieces, **values):
    """A stencil with these values in its holes; numbers as they are, texts escaped."""
    return _filled(stencil, {name: conditional_escape(value) for name, value in values.items()})

"""Markdown as safe HTML. Everything not on the allow-list is removed."""

import re
from functools import cache

import nh3
from django.template.defaultfilters import linebreaks
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

TAGS = {"p", "br", "strong", "em", "s", "ul", "ol", "li", "blockquote", "code", "pre", "a", "h4", "hr"}
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto", "tel"}
FORMATTED = 20_000  # characters; longer text is shown as typed, because parsing Markdown can take more than linear time


# One line that begins with a letter and has no character that means anything in Markdown or HTML
PLAIN = re.compile(r"""[^\W\d_](?:[^\W_]|[ ,.;:!?'"()%/–—€’“”-])*""")


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["strikethrough"])


def to_html(text: str) -> SafeString:
    """Safe HTML of Markdown; headings become h4, images and raw HTML are dropped. A text longer than `FORMATTED` is not
    formatted.
    """
    if len(text or "") > FORMATTED:
        return linebreaks(text, autoescape=True)
    if text and PLAIN.fullmatch(text):
        return mark_safe(f"<p>{text.rstrip()}</p>\n")  # nosec B308, B703  without a character that HTML knows
    html = _parser().render(text or "")
    for level in (1, 2, 3, 5, 6):
        html = html.replace(f"<h{level}>", "<h4>").replace(f"</h{level}>", "</h4>")
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
    return mark_safe(clean)  # nosec B308, B703  nh3 has just cleaned it

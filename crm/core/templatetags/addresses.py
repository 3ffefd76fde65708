"""A cached `{% url %}`: a page has about 150 URLs, and most are on every page."""

from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as parse_url
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse
from django.utils.html import conditional_escape

register = template.Library()
KEPT = 20_000


@lru_cache(maxsize=KEPT)
def _made_once(where: tuple[str, str], name: str, args: tuple[int, ...], kwargs: tuple[tuple[str, int], ...]) -> str:
    return reverse(name, urlconf=where[0], args=args, kwargs=dict(kwargs))


def _address(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Only URLs with numeric arguments are cached: a text may be a secret."""
    if any(type(value) is not int for value in (*args, *kwargs.values())):
        return reverse(name, args=args, kwargs=kwargs)
    where = get_urlconf() or settings.ROOT_URLCONF, get_script_prefix()
    return _made_once(where, name, args, tuple(kwargs.items()))


class Address(URLNode):
    def render(self, context):
        args = tuple(arg.resolve(context) for arg in self.args)
        kwargs = {name: value.resolve(context) for name, value in self.kwargs.items()}
        try:
            found = _address(self.view_name.resolve(context), args, kwargs)
        except NoReverseMatch:
            if self.asvar is None:
                raise
            found = ""
        if self.asvar is not None:
            context[self.asvar] = found
            return ""
        return conditional_escape(found) if context.autoescape else found


@register.tag
def url(parser, token):
    node = parse_url(parser, token)
    return Address(node.view_name, node.args, node.kwargs, node.asvar)

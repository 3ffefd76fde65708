"""Tags and filters of the interface; loaded in every template as builtins. Examples: docs/developers/interface.md.

Leaf markup that appears hundreds of times on a page (icon, badge, avatar, time) is defined only here; the components of
the same name call these tags.
"""

from datetime import datetime
from functools import lru_cache
from zlib import crc32

from django import template
from django.http import QueryDict
from django.middleware.csrf import get_token
from django.template.defaultfilters import linebreaksbr
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import conditional_escape, format_html, format_html_join, json_script
from django.utils.translation import pgettext

from crm.core.base.places import country_name
from crm.core.templatetags.ui_blocks import do_component, do_slot
from crm.core.templatetags.ui_cells import do_cell, do_cells
from crm.core.templatetags.ui_forms import name_empty_choice, problems
from crm.core.templatetags.ui_shell import do_shell, do_stencil, fill, hole
from crm.core.ui import tones
from crm.core.ui.days import weekday_and_day
from crm.core.ui.dialogs import crumbs
from crm.core.ui.formatting import (
    capped,
    day_words,
    due_state,
    exact,
    is_late,
    moment_words,
    money,
    money_exact,
    money_round,
    number,
    percent,
    short_day,
    signed,
    written,
)

register = template.Library()
register.tag("component", do_component)
register.tag("slot", do_slot)
register.tag("cells", do_cells)
register.tag("cell", do_cell)
register.tag("shell", do_shell)
register.tag("stencil", do_stencil)
register.simple_tag(hole)
register.simple_tag(fill)
register.simple_tag(crumbs)
register.filter(country_name)
register.filter(problems)

LEGAL_FORMS = {
    "oy",
    "oyj",
    "ab",
    "as",
    "asa",
    "a/s",
    "aps",
    "gmbh",
    "ag",
    "kg",
    "bv",
    "nv",
    "sa",
    "sarl",
    "srl",
    "spa",
    "ltd",
    "limited",
    "llc",
    "llp",
    "inc",
    "corp",
    "plc",
}
AVATAR_TONES = ("accent", "blue", "violet", "amber", "green")
TONE_ICONS = {
    "red": "exclamation-circle",
    "amber": "exclamation-triangle",
    "green": "check-circle",
    "blue": "info-circle",
    "": "info-circle",
}
MESSAGE_TONES = {"error": "red", "warning": "amber", "success": "green", "info": "blue", "debug": "blue"}


# Small marks


@register.simple_tag
def icon(name, label="", size="", cls=""):
    """One icon of the sprite. Without a label it is decoration and hidden from screen readers."""
    opening, closing, plain = _icon_parts(name, size, cls)
    return format_html('{} role="img" aria-label="{}"{}', opening, label, closing) if label else plain


@lru_cache(2048)
def _icon_parts(name, size, cls):
    """(markup before the label, after it, the whole without a label); cached, because a page has hundreds of a few
    kinds.
    """
    classes = " ".join(filter(None, ["icon", f"icon-{size}" if size else "", cls]))
    opening = format_html('<svg class="{}"', classes)
    closing = format_html(' focusable="false"><use href="{}#{}"></use></svg>', static("icons/sprite.svg"), name)
    return opening, closing, format_html('{} aria-hidden="true"{}', opening, closing)


@register.simple_tag
def badge(text, tone="", dot=False, icon_name="", title=""):
    """A word on a tinted background. The text carries the meaning, the tone only supports it."""
    return _badge(conditional_escape(text), tone, dot, icon_name, conditional_escape(title))


@lru_cache(4096)
def _badge(text, tone, dot, icon_name, title):
    """Takes escaped texts; cached, because every row of a list has the same few."""
    mark = format_html('<span class="{}" aria-hidden="true"></span>', "dot") if dot else ""
    if icon_name:
        mark = icon(icon_name)
    return format_html(
        '<span class="badge{}"{}>{}<span class="badge-text">{}</span></span>',
        f" badge-{tone}" if tone else "",
        format_html(' title="{}"', title) if title else "",
        mark,
        text,
    )


@register.filter
def initials(name):
    """“Marta Kallio” → MK, “Saari & Koski Oy” → SK; one word gives its first two letters."""
    words = [word for word in str(name or "").replace("&", " ").split() if word[0].isalnum()]
    if len(words) > 2 and words[-1].rstrip(".").lower() in LEGAL_FORMS:
        words.pop()
    if not words:
        return "?"
    letters = words[0][:2] if len(words) == 1 else words[0][0] + words[-1][0]
    return letters.upper()


@register.filter
def tone_of(value):
    """The same name has the same tone on every page."""
    return AVATAR_TONES[crc32(str(value or "").encode()) % len(AVATAR_TONES)]


@register.simple_tag
def avatar(name, size="", tone=""):
    """Initials on a disc (size “lg”: a square, for the header of a record). The name is beside it, so it is hidden from
    screen readers.
    """
    tone = tone or ("accent" if size == "lg" else tone_of(name))
    classes = " ".join(filter(None, ["avatar", f"avatar-{size}" if size else "", f"avatar-{tone}"]))
    return format_html('<span class="{}" aria-hidden="true">{}</span>', classes, initials(name))


@register.filter
def tone_icon(tone):
    return TONE_ICONS.get(tone or "", "info-circle")


@register.filter
def heat(value):
    """A share of 0 to 100 as one of the eleven steps of the cohort grid (the range worth telling apart is 80 to 100)."""
    if value is None:
        return ""
    return f"heat-{max(0, min(10, round((float(value) - 80) / 2)))}"


# Times and numbers

for shown in (is_late, money, money_round, money_exact, number, percent, signed, capped, short_day, weekday_and_day):
    register.filter(shown)


@register.simple_tag
def when(value, style="", now=None):
    """A datetime or a date as <time>: relative under seven days, then the date; the title has it in full, with the
    zone.

    style "full": date and hour in full; style "time": the hour alone; style "day": the day alone.
    No zone shifts a date.
    """
    if not value:
        return ""
    now = timezone.localtime(now) if now else timezone.localtime()
    if isinstance(value, datetime):
        value = timezone.localtime(value) if timezone.is_aware(value) else timezone.make_aware(value)
        texts = {
            "full": lambda: written(value, pgettext("date format", "D j M Y H:i")),
            "time": lambda: written(value, "H:i"),
            "day": lambda: day_words(value.date(), now.date()) or short_day(value, now),
        }
        text, title = texts.get(style, lambda: moment_words(value, now))(), exact(value)
    else:
        text = day_words(value, now.date()) or short_day(value, now.date())
        if style == "full":
            text = written(value, pgettext("date format", "D j M Y"))
        title = written(value, pgettext("date format", "l j F Y"))
    return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), title, text)


@register.simple_tag
def due(value, today=None, none_text="", done=False, snoozed=None):
    """The due badge: the text carries the meaning, the tone only supports it. `snoozed`: the time until which it is
    hidden.
    """
    tone, words = due_state(value, today or timezone.localdate(), snoozed)
    if not value and none_text:
        words = none_text
    if done:
        tone = ""
    inner = badge(words, tone)
    if not value:
        return inner
    local = timezone.localtime(value) if isinstance(value, datetime) else value
    title = exact(local) if isinstance(local, datetime) else written(local, pgettext("date format", "l j F Y"))
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), title, inner)


LONG = 400  # characters that a value among facts shows at once


@register.filter
def folded(text):
    """Text in lines; a long one shows its beginning, and the rest on demand."""
    text = str(text)
    if len(text) <= LONG:
        return linebreaksbr(text)
    return render_to_string("components/fold.html", {"text": text})


# Addresses and forms


def with_marks(parts):
    """Text in parts, (text, whether it is marked), as they stand on a page."""
    return format_html_join(
        "", "{}", ((format_html("<mark>{}</mark>", text) if is_marked else text,) for text, is_marked in parts)
    )


@register.simple_tag(takes_context=True)
def qs(context, **changes):
    """The current query string with parameters replaced; None or "" removes one. `{% qs page=None sort="name" %}`"""
    request = getattr(context, "request", None) or context.get("request")
    query = request.GET.copy() if request else QueryDict(mutable=True)
    for key, value in changes.items():
        if value is None or value == "":
            query.pop(key, None)
        elif isinstance(value, (list, tuple)):
            query.setlist(key, [str(item) for item in value])
        else:
            query[key] = str(value)
    return f"?{query.urlencode()}" if query else "?"


@register.simple_tag(takes_context=True)
def csrf_field(context):
    """The CSRF input inside a component, which has no `csrf_token`."""
    request = getattr(context, "request", None) or context.get("request")
    if not request:
        return ""
    secret, made = getattr(request, "_csrf_field", ("", ""))
    if not made or secret != request.META.get(
        "CSRF_COOKIE"
    ):  # the same masked token for all forms of a page, as with csrf_token
        made = format_html('<input type="hidden" name="csrfmiddlewaretoken" value="{}">', get_token(request))
        request._csrf_field = (request.META.get("CSRF_COOKIE"), made)
    return made


def _tagged(message, name: str) -> str:
    """The path in a Django message's extra_tags "name:/path/", else ""."""
    for tag in (getattr(message, "extra_tags", "") or "").split():
        if tag.startswith(f"{name}:/") and not tag.startswith(f"{name}://"):
            return tag.removeprefix(f"{name}:")
    return ""


@register.filter
def undo_url(message):
    """The URL in a Django message's extra_tags "undo:/path/", else ""."""
    return _tagged(message, "undo")


@register.filter
def see_url(message):
    """The URL of the page that says more: "see:/path/" in a message's extra_tags, else ""."""
    return _tagged(message, "see")


@register.filter
def message_tone(message):
    return MESSAGE_TONES.get(getattr(message, "level_tag", ""), "blue")


@register.filter
def described_by(field):
    """The ids of a bound field's help and error, for aria-describedby."""
    parts = [f"{field.auto_id}_help" if field.help_text else "", f"{field.auto_id}_error" if field.errors else ""]
    return " ".join(filter(None, parts))


@register.simple_tag
def widget(field, cls="", bare=False, **attrs):
    """A bound field's control with our class, described by its help and error (bare: only by its error)."""
    name_empty_choice(field.field)
    kind = getattr(field.field.widget, "input_type", "")
    own = field.field.widget.attrs.get("class", "")
    base = {"checkbox": "form-check-input", "radio": "form-check-input", "select": "form-select"}.get(
        kind, "form-control"
    )
    names = [own, "" if base in own.split() else base, cls, "is-invalid" if field.errors else ""]
    attrs = {name.replace("_", "-"): value for name, value in attrs.items()} | {"class": " ".join(filter(None, names))}
    described = f"{field.auto_id}_error" * bool(field.errors) if bare else described_by(field)
    if described:
        attrs["aria-describedby"] = described
    if field.errors:
        attrs["aria-invalid"] = "true"
    return field.as_widget(attrs=attrs)


@register.simple_tag
def choice_input(choice):
    """One radio or checkbox of a group, with our class."""
    choice.data["attrs"]["class"] = "form-check-input"
    return choice.tag()


@register.filter
def input_type(field):
    """text, checkbox, select, radio … of a bound field's control."""
    return getattr(field.field.widget, "input_type", "textarea")


@register.simple_tag
def attributes(**values):
    """name="value" pairs of non-empty values: `<form {% attributes hx_post=url %}>`."""
    pairs = ((name.replace("_", "-"), value) for name, value in values.items() if value not in (None, "", False))
    return format_html_join(" ", '{}="{}"', pairs)


@register.filter
def status_tone(status):
    """The tone of a state of any record; grey if none is declared."""
    return tones.tone_of(str(status or ""))


@register.filter
def banner_icon(name_or_tone):
    """A tone's icon, or the named icon."""
    return TONE_ICONS.get(name_or_tone, name_or_tone)


@register.filter
def json_block(value, element_id):
    """A chart's data as a JSON block, which the content security policy allows."""
    return json_script(value, f"{element_id}-data")


@register.filter
def words(text, separator=None):
    """“a b c” → ["a", "b", "c"]: short lists in a template."""
    return [part.strip() for part in str(text).split(separator) if part.strip()]

"""The links in mails: how they look, and the page that each has to open."""

import http.cookiejar
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlsplit

SECRET = "[0-9a-f]{64}"


@dataclass(frozen=True)
class Kind:
    """`mail` is what the old code names the mail by. The page has a clean address that begins with `page`, and `marker` in it."""

    name: str
    mail: str
    path: str
    page: str
    marker: str


KINDS = (
    Kind("survey", "survey", rf"/mail/survey/\d+/{SECRET}/", "/mail/survey/", 'name="score"'),
    Kind("survey stop", "survey", rf"/mail/survey/\d+/stop/{SECRET}/", "/mail/survey/", 'name="csrfmiddlewaretoken"'),
    Kind("progress stop", "progress", rf"/mail/stop/\d+/{SECRET}/", "/mail/stop/", 'name="csrfmiddlewaretoken"'),
    Kind("invitation", "invitation", rf"/join/\d+/{SECRET}/", "/join/", 'name="password1"'),
    Kind(
        "password reset",
        "reset",
        rf"/accounts/password/reset/key/\w+-\w+\.{SECRET}/",
        "/accounts/password/reset/key/",
        'name="password1"',
    ),
)


def find(kind: Kind, text: str, base_url: str) -> str | None:
    found = re.search(re.escape(base_url) + kind.path, text)
    return found[0] if found else None


def trouble_with(kind: Kind, link: str) -> str:
    """What is wrong with the page behind a link; "" if it opens twice, as for a mail scanner and then for a person."""
    return _open(kind, link) or _open(kind, link)


def _open(kind: Kind, link: str) -> str:
    cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)
    try:
        with opener.open(link, timeout=60) as answer:
            page, address = answer.read().decode(), urlsplit(answer.geturl())
    except urllib.error.HTTPError as error:
        return f"answers {error.code}"
    except OSError as error:
        return f"does not answer ({error})"
    if not address.path.startswith(kind.page):
        return f"leads to {address.path}"
    if kind.marker not in page:
        return f"opens a page without {kind.marker}"
    return "keeps its secret in the address" if re.search(SECRET, address.path) else ""

"""The request log: one line per request on stderr, without the secrets of links."""

import logging
import re
from collections.abc import MutableMapping
from functools import cache
from typing import Any

import structlog

_secret_paths = ["setup"]


def declare_secret_paths(*patterns: str) -> None:
    """Register what precedes a secret in a URL, as regular expressions; a `SecretLink` declares its own."""
    _secret_paths.extend(patterns)
    _compiled.cache_clear()


@cache
def _compiled() -> re.Pattern[str]:
    return re.compile(rf"(/(?:{'|'.join(_secret_paths)})/)[^/\s?\"']{{8,}}")


def masked(text: str) -> str:
    """The text with the secret tokens of links masked."""
    return _compiled().sub(r"\1…", text)


class MaskSecrets(logging.Filter):
    """On the handler, so that it covers every logger: Django also logs URLs that were not found."""

    def filter(self, record: logging.LogRecord) -> bool:
        if "/" in (text := record.getMessage()):
            record.msg, record.args = masked(text), ()
        return True


def without_values(request: str) -> str:
    """`GET /clients/?q=Fjord&page=2` as `GET /clients/?q&page`: search terms stay out of the log."""
    path, mark, query = request.partition("?")
    names = [re.sub(r"[^\w.\-\[\]]", "?", pair.partition("=")[0])[:40] for pair in query.split("&")[:20]]
    return path + mark + "&".join(names)


def one_line(logger: Any, name: str, event: MutableMapping[str, Any]) -> str:
    """`GET /clients/ 200 user=3 ip=127.0.0.1 id=…`; tracebacks are logged by django.request."""
    event.pop("exc_info", None)
    words = [f"{without_values(event.pop('request', ''))} {event.pop('code', '')}".strip() or event["event"]]
    if event["event"] not in ("request_finished", "request_failed") and words[0] != event["event"]:
        words.append(event["event"])
    event.pop("event")
    names = {"user_id": "user", "request_id": "id"}
    words += [f"{names.get(key, key)}={value}" for key, value in event.items() if value is not None]
    return re.sub(r"[\x00-\x1f\x7f]", "?", " ".join(words))


def configure() -> None:
    """structlog writes through Python's logging, so it follows LOG_LEVEL and uses its handler."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.contextvars.merge_contextvars, one_line],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )

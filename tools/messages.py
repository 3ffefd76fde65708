"""Texts that clients read, in their languages: `python tools/messages.py update | compile | check`.

update   brings every locale/<language>/LC_MESSAGES/django.po to the words in the files below: new ones are added empty, those
         that are gone are taken out. Translate the empty ones, then compile.
compile  writes the .mo beside each .po, which is what runs; both are committed.
check    says what is missing or out of date and ends with 1 if anything is (a test does the same).

Only what clients read is here. A mail or page for clients that is added: put its words into files of their own and name them
below. Strings in other files stay in the language of the interface.
"""

import io
import re
import sys
from ast import literal_eval
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = ("de", "es", "fi", "fr", "nl", "sv")
CLIENT_FACING = (
    "clients/contacts/greetings.py",
    "crm/core/ui/days.py",
    "interactions/progress/words.py",
    "interactions/progress/sections.py",
    "interactions/progress/sources.py",
    "interactions/surveys/words.py",
    "interactions/surveys/views/open.py",
    "onboarding/emails.py",
    "templates/mail/base.html",
    "templates/mail/progress.html",
    "templates/mail/progress.txt",
    "templates/mail/survey.html",
    "templates/mail/survey.txt",
    "templates/interactions/progress/stop.html",
    "templates/interactions/surveys/answer.html",
    "templates/interactions/surveys/closed.html",
    "templates/interactions/surveys/open_score.html",
    "templates/interactions/open/plain.html",
    "templates/interactions/open/wrong_link.html",
    "templates/rapport/field.html",
    "templates/components/form_errors.html",
    "templates/interactions/surveys/stop.html",
    "templates/base_plain.html",
)
# what a translation may name besides what its original does
ALSO_NAMED = {"Hello %(name)s": {"full_name"}}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
SAME_DAY = datetime(2026, 1, 1, tzinfo=UTC)  # nothing of the hour goes into a file that is compared
HEAD_NOISE = re.compile(
    r'"(?:POT-Creation-Date|PO-Revision-Date|Generated-By|Last-Translator|Report-Msgid-Bugs-To|Language-Team|Project-Id-Version)[^\n]*\n'
)
CALL = re.compile(r" (n?p?gettext|_)\((.*?)\) ", re.DOTALL)


def extracted() -> Catalog:
    """Every text of the files that clients read, with its location."""
    catalog = Catalog(project="Rapport", charset="utf-8", fuzzy=False)
    for name in CLIENT_FACING:
        found = _of_python(name) if name.endswith(".py") else _of_template(name)
        for line, message, context in found:
            catalog.add(message, locations=[(name, line)], context=context)
    return catalog


def _of_python(name: str) -> Iterator[tuple]:
    source = io.BytesIO((ROOT / name).read_bytes())
    for line, message, _comments, context in extract("python", source, keywords=DEFAULT_KEYWORDS):
        yield line, message, context


def _of_template(name: str) -> Iterator[tuple]:
    """Django turns a template into calls of gettext; those are read here."""
    from django.conf import settings  # noqa: PLC0415
    from django.utils.translation.template import templatize  # noqa: PLC0415

    if not settings.configured:
        settings.configure()
    source = templatize((ROOT / name).read_text(encoding="utf-8"), origin=name)
    for found in CALL.finditer(source):
        function, line = found[1], source.count("\n", 0, found.start()) + 1
        arguments = literal_eval(f"({found[2].removesuffix(',count').removesuffix(', count')},)")
        texts = [text.replace("%%", "%") for text in arguments if isinstance(text, str)]
        if function == "pgettext":
            yield line, texts[1], texts[0]
        elif function == "ngettext":
            yield line, (texts[0], texts[1]), None
        else:
            yield line, texts[0], None


def path_of(language: str, ending: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / f"django.{ending}"


def catalog_of(language: str) -> Catalog:
    with path_of(language, "po").open("rb") as file:
        catalog = read_po(file, locale=language)
    catalog.creation_date = catalog.revision_date = SAME_DAY
    return catalog


def compiled(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def update() -> None:
    wanted = extracted()
    for language in LANGUAGES:
        path = path_of(language, "po")
        catalog = catalog_of(language) if path.exists() else Catalog(locale=language, project="Rapport", fuzzy=False)
        catalog.update(wanted, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        catalog.fuzzy = False
        path.parent.mkdir(parents=True, exist_ok=True)
        out = io.BytesIO()
        write_po(out, catalog, width=120, sort_by_file=True, omit_header=False, include_lineno=False)
        text = HEAD_NOISE.sub("", out.getvalue().decode())
        path.write_text(re.sub(r"^#(?: .*|)\n", "", text, flags=re.MULTILINE).lstrip("\n"), encoding="utf-8")


def compile_all() -> None:
    for language in LANGUAGES:
        path_of(language, "mo").write_bytes(compiled(catalog_of(language)))


def problems() -> list[str]:
    """What is missing, left over, malformed or not compiled, one line each."""
    wanted, found = extracted(), []
    for language in LANGUAGES:
        catalog = catalog_of(language)
        known = {(message.id, message.context): message for message in catalog if message.id}
        for message in (message for message in wanted if message.id):
            there = known.pop((message.id, message.context), None)
            found += [f"{language}: {text}" for text in _wrong(message, there, catalog)]
        found += [f"{language}: {key[0]!r} is used nowhere; run update" for key in known]
        if not _is_compiled(language, catalog):
            found.append(f"{language}: django.mo is not what django.po says; run compile")
    return found


def _is_compiled(language: str, catalog: Catalog) -> bool:
    path = path_of(language, "mo")
    if not path.exists():
        return False
    there = read_mo(io.BytesIO(path.read_bytes()))
    return _said(there) == _said(read_mo(io.BytesIO(compiled(catalog))))


def _said(catalog: Catalog) -> list:
    said = [(_texts(message.id), message.context or "", _texts(message.string)) for message in catalog if message.id]
    return [catalog.plural_expr, *sorted(said)]


def _wrong(message: Message, there: Message | None, catalog: Catalog) -> list[str]:
    texts = _texts(there.string) if there else []
    forms = catalog.num_plurals if isinstance(message.id, tuple) else 1
    if there is None or there.fuzzy or len(texts) != forms or not all(texts):
        return [f"{message.id!r} has no translation"]
    ids = _texts(message.id)
    allowed = {name for text in ids for name in PLACEHOLDER.findall(text)} | ALSO_NAMED.get(ids[0], set())
    strange = {name for text in texts for name in PLACEHOLDER.findall(text)} - allowed
    broken = [text for text in texts if "%" in PLACEHOLDER.sub("", text).replace("%%", "")]
    return [f"{message.id!r}: {sorted(strange) or broken} in the translation"] if strange or broken else []


def _texts(value) -> list[str]:
    return list(value) if isinstance(value, list | tuple) else [value]


if __name__ == "__main__":
    action = sys.argv[1] if len(sys.argv) == 2 else ""
    if action == "update":
        update()
    elif action == "compile":
        compile_all()
    elif action == "check":
        print("\n".join(problems()) or "Every word that clients read is translated and compiled.")
        sys.exit(1 if problems() else 0)
    else:
        sys.exit(__doc__)

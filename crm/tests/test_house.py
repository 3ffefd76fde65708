"""The house holds: every write is a service, rooms stay small, fields stand in their form's layout."""

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from django.conf import settings

from crm.core.base.services import SERVICES
from crm.core.ui import navigation

APPS = ("crm.core", "clients", "interactions", "onboarding", "reports")
ROOT = Path(settings.BASE_DIR)
MOST = 34  # modules and rooms directly in one package; clients has that many since merging, which stands above all its other rooms

# Services that everybody who sees the row may call: the door loads it through `visible_to`.
OPEN_TO_COLLEAGUES = {
    "clients.contacts.services.archive_contact",
    "clients.contacts.services.restore_contact",
    "clients.records.services.clients.restore_client",
    # of the principal alone
    "crm.core.drafts.services.bring_draft_back",
    "crm.core.drafts.services.discard_draft",
    "crm.core.drafts.services.save_draft",
    "crm.core.drafts.services.set_draft_aside",
    "crm.core.files.services.store_bytes",
    "crm.core.files.services.store_file",
    "crm.core.notifications.services.mark_all_read",
    "crm.core.notifications.services.mark_read",
    "crm.core.people.services.colleagues.sign_out_everywhere",
    "crm.core.people.services.colleagues.update_profile",
}
# Take a principal first and are no services: parts of one, called within its transaction.
PARTS = {
    "clients.engagements.services.records.check_engagement_of",  # a read, which refuses
    "clients.engagements.services.records.check_money_of",  # the same
    "clients.engagements.services.records.reopen_engagement",  # calls move_engagement
    "clients.invoices.services.records.check_invoice_of",  # the same
    "crm.core.drafts.services.find_draft",  # a read
    "crm.core.files.services.store_upload",  # calls store_bytes
    "crm.core.notifications.services.tell",  # called by services
    "crm.core.notifications.services.tell_both",
    "crm.core.people.services.invitations.link_to_pass_on",  # a read
    "interactions.agreements.services.keep_commitment",  # these two call settle_commitment
    "interactions.agreements.services.reopen_commitment",
    "interactions.follow_ups.services.reassign_follow_up",  # calls update_follow_up
    "interactions.follow_ups.services.new_follow_up",  # these four give a row that is not saved
    "interactions.recording.services.new_interaction",
    "interactions.surveys.services.answers.new_answer",
    "interactions.surveys.services.mailing.invitation_for",
    "onboarding.services.plans.lock_plan",
}


def modules():
    for app in APPS:
        for found in walk_packages(import_module(app).__path__, f"{app}."):
            if not {"tests", "migrations", "management"} & set(found.name.split(".")):
                yield found.name


def writing_modules():
    return [name for name in modules() if "services" in name.split(".")[-2:] or "services" in name.split(".")]


@pytest.mark.parametrize("name", writing_modules())
def test_what_takes_a_principal_is_a_service(name):
    module = import_module(name)
    bare = [
        f"{name}.{function.__qualname__}"
        for _name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == name
        and not function.__name__.startswith("_")
        and next(iter(inspect.signature(function).parameters), "") == "principal"
        and not hasattr(function, "may")
    ]
    assert sorted(set(bare) - PARTS) == []


def test_a_service_without_a_permission_is_named_here():
    for name in modules():
        import_module(name)
    own = {name for name, call in SERVICES.items() if call.may is None and ".tests." not in name}
    assert own == OPEN_TO_COLLEAGUES


def test_packages_stay_small():
    large = {}
    for init in ROOT.glob("**/__init__.py"):
        folder = init.parent
        if ".venv" in folder.parts or "migrations" in folder.parts or "tests" in folder.parts:
            continue
        inside = [
            p
            for p in folder.iterdir()
            if (p.suffix == ".py" and p.name != "__init__.py") or (p / "__init__.py").exists()
        ]
        if len(inside) > MOST:
            large[str(folder.relative_to(ROOT))] = len(inside)
    assert large == {}


def test_lines_of_templates_can_be_read():
    long = {}
    for path in sorted(ROOT.glob("templates/**/*.html")):
        numbers = [number for number, line in enumerate(path.read_text().splitlines(), 1) if len(line) > 200]
        if numbers:
            long[str(path.relative_to(ROOT))] = numbers
    assert not long


# Pages that are no list of one kind of row, or whose rows belong to the record above them
PAGED_OTHERWISE = {
    "clients/opportunities/queries.py",  # cards of a column of the board
    "crm/core/api/pagination.py",  # the pages of the API
    "reports/api/views.py",  # members behind a number: the columns are the number's
    "reports/views/dashboard.py",
    "reports/views/kpi.py",
}


def test_a_list_is_made_of_the_kit():
    found = {
        str(path.relative_to(ROOT))
        for app in ("crm", "clients", "interactions", "onboarding", "reports")
        for path in (ROOT / app).glob("**/*.py")
        if "paginate(" in path.read_text() and "tests" not in path.parts and "listing" not in path.parts
    }
    assert found == PAGED_OTHERWISE


SPELT_OUT = re.compile(
    r"{% widget|rapport/field\.html|login_field|{{ *\w*form\.(?!instance)\w+|\w*form\.\w+\.(?:errors|value|label|auto_id)|as_crispy"
)
SPELL_FIELDS_OUT = {
    "account/login.html": "allauth's form, in our words",
    "clients/documents/files_field.html": "what a layout draws a field with",
    "clients/opportunities/narrow.html": "a filter",
    "clients/page/fact.html": "one bare control, edited in place",
    "clients/page/timeline_filter.html": "a filter",
    "clients/revenue/narrow.html": "a filter",
    "core/history/list.html": "a filter",
    "clients/merging/compare.html": "the two values of a field, each under its record",
    "core/importing/map_row.html": "what a layout draws a field with",
    "interactions/composer/composer.html": "tabs and chips, each of which holds a field or its value",
    "interactions/composer/next_step.html": "the same",
    "listing/bar.html": "a filter",
    "listing/panel_form.html": "a filter",
    "mfa/totp/activate_form.html": "a secret to copy, not a field",
    "onboarding/parts/phase_card.html": "one line that adds a task to the builder",
    "onboarding/version.html": "one line that adds a phase to the builder",
    "reports/filter.html": "a filter",
}


def test_no_page_spells_out_a_field():
    found = {
        str(path.relative_to(ROOT / "templates"))
        for path in ROOT.glob("templates/**/*.html")
        if path.relative_to(ROOT / "templates").parts[0] not in ("rapport", "components")
        and SPELT_OUT.search(path.read_text())
    }
    assert found == set(SPELL_FIELDS_OUT), (
        "lay it out in the form and use {% crispy form %}, or list the exception here"
    )


def test_every_colour_of_text_is_defined():
    sheets = "".join(path.read_text() for path in ROOT.glob("static/**/*.css"))
    used = {
        (name, path.name)
        for pattern in ("templates/**/*.html", "*/**/*.py")
        for path in ROOT.glob(pattern)
        if "tests" not in path.parts and ".venv" not in path.parts
        for name in re.findall(r'class="[^"]*?(?<![\w-])(text-[a-z0-9]+)[ "]', path.read_text())
    }
    assert len(used) > 50
    assert not {(name, file) for name, file in used if f".{name}" not in sheets}


def test_no_page_lets_the_browser_cut_what_is_pasted():
    found = [path for path in ROOT.glob("templates/**/*.html") if "maxlength" in path.read_text().lower()]
    assert found == [], "use the form's max_length, which shows its error beside the field"


def test_digits_of_a_parameter_are_read_by_the_reader():
    """`"²".isdigit()` is true and `int("²")` fails: `reading.whole_number` knows."""
    found = [path for path in ROOT.rglob("*.py") if ".isdigit()" in path.read_text() and "tests" not in path.parts]
    own = {
        path.relative_to(ROOT)
        for path in found
        if path.relative_to(ROOT).parts[0] in {app.split(".")[0] for app in APPS}
    }
    assert own == set()


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/today/", "today"),
        ("/clients/", "clients"),
        ("/clients/3/progress-emails/", "clients"),
        ("/clients/restricted/", "restricted"),
        ("/interactions/9/correct/", "interactions"),
        ("/contacts/5/edit/", "contacts"),
        ("/tags/new/", "services"),
        ("/onboarding/plans/1/", "onboarding"),
        ("/onboarding/tasks/1/", "onboarding"),
        ("/onboarding/versions/1/", "templates"),
        ("/outbox/board/", "outbox"),
        ("/morning-mail/4/", "outbox"),
        ("/surveys/asked/2/", "surveys"),
        ("/settings/people/3/", "settings"),
        ("/profile/tokens/", None),
    ],
)
def test_a_page_belongs_to_the_entry_of_its_address(path, key):
    found = navigation.current_at(path)
    assert (found and found.key) == key


def test_no_module_defines_a_name_twice():
    """The second would silently replace the first, for those who import it and for the module itself."""
    twice = []
    for path in sorted(path for app in APPS for path in (ROOT / app.replace(".", "/")).rglob("*.py")):
        seen: dict[str, int] = {}
        for node in ast.parse(path.read_text()).body:
            for name in _defined(node):
                if name in seen and name != "_":
                    twice.append(f"{path.relative_to(ROOT)}: {name} in lines {seen[name]} and {node.lineno}")
                seen[name] = node.lineno
    assert not twice, twice


def _defined(node):
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return (
            []
            if any(isinstance(each, ast.Name) and each.id == "overload" for each in node.decorator_list)
            else [node.name]
        )
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and node.value is not None and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []

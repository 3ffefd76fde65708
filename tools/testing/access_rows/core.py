"""Settings, colleagues, profile, search, drafts."""

from datetime import date, timedelta

from django.utils import timezone

from crm.core.fields.custom.models import CustomField, FieldChange, FieldSection
from crm.core.fields.custom.services import begin_change
from crm.core.firm.models import Holiday
from crm.core.listing.models import SavedView
from crm.core.users.models import ApiToken, Invitation
from tools.testing.access import ADMINS, EVERYONE, OPEN, Row, of_list


def build(scene):
    admin = scene.users["admin"]
    scene.rows["invitation"] = {
        "any": Invitation.objects.create(
            email="new@example.com",
            roles=["manager"],
            salt="s",
            token_hash="h",
            invited_by=admin,
            expires_at=timezone.now() + timedelta(days=1),
        )
    }
    owner = scene.users["owner"]
    private = SavedView.objects.create(list_key="clients:list", owner=owner, name="Mine", query={"tier": ["A"]})
    shared = SavedView.objects.create(list_key="clients:list", owner=owner, name="Ours", is_shared=True)
    gone = SavedView.objects.create(
        list_key="clients:list", owner=owner, name="Gone", is_shared=True, archived_at=timezone.now()
    )
    scene.rows["own view"], scene.rows["shared view"] = {"any": private}, {"any": shared}
    scene.rows["deleted view"] = {"any": gone}
    scene.rows["holiday"] = {"any": Holiday.objects.create(date=date(2026, 12, 24), name="Christmas Eve")}
    scene.rows["api token"] = {
        "any": ApiToken.objects.create(user=scene.users["owner"], name="Books", prefix="rpt_abc", token_hash="x" * 64)
    }
    section = FieldSection.objects.create(record="client", name="Billing")
    fields = [
        CustomField.objects.create(record="client", key=key, label=label, kind="text", position=n, is_filtered=False)
        for n, (key, label) in enumerate((("vat", "VAT number"), ("po", "Order number")))
    ]
    for record in ("engagement", "interaction"):
        CustomField.objects.create(record=record, key="place", label="Place", kind="text", is_filtered=False)
    begin_change()
    scene.rows["field section"] = {"any": section}
    scene.rows["custom field"], scene.rows["other field"] = {"any": fields[0]}, {"any": fields[1]}
    change = FieldChange(field=fields[1], from_kind="url", to_kind="text", created_at=timezone.now())
    change.applied_at = change.created_at
    change.save()
    scene.rows["change of a field"] = {"any": change}


LIST = {"key": "clients:list"}
RECORD = {"record": "client"}
OWNER = ("owner",)
ROWS = [
    Row("core:list-views", get=EVERYONE, also=LIST),
    Row("core:list-view-new", get=EVERYONE, post=EVERYONE, also=LIST, data={"name": "New"}),
    Row("core:list-view-order", post=EVERYONE, also=LIST),
    Row("core:list-start", post=EVERYONE, also=LIST),
    Row("core:list-columns", get=EVERYONE, post=EVERYONE, also=LIST, data={"columns": ["status"]}),
    Row("core:list-widths", post=EVERYONE, also=LIST, data={"width-status": "200"}),
    Row("core:list-view", get=OWNER, post=OWNER, about="own view", seen_by={"any": OWNER}),
    Row("core:list-view-save", post=("owner", "admin"), about="shared view"),
    Row("core:list-view-delete", post=("owner", "admin"), about="shared view"),
    Row("core:list-view-restore", post=("owner", "admin"), about="deleted view"),
    Row("core:search", get=EVERYONE, query={"q": "client"}),
    Row("core:draft", get=EVERYONE, post=EVERYONE, also={"kind": "composer"}, data={"body": "Half a sentence"}),
    Row("core:profile", get=EVERYONE, post=EVERYONE),
    Row("core:set_theme", post=EVERYONE, data={"theme": "dark"}),
    Row("core:end_sessions", post=EVERYONE),
    Row("core:api_tokens", get=EVERYONE, post=EVERYONE, data={"name": "Books", "days": "30"}),
    Row("core:api_token_revoke", post=EVERYONE, about="api token", seen_by={"any": ("owner",)}),
    Row("core:settings", get=ADMINS, post=ADMINS),
    Row("core:days", get=ADMINS, post=ADMINS),
    Row("core:holiday_add", post=ADMINS),
    Row("core:holiday_remove", post=ADMINS, about="holiday"),
    *of_list("core:users", "export", get=ADMINS),
    Row("core:invite", get=ADMINS, post=ADMINS),
    Row("core:user", get=ADMINS, post=ADMINS, about="user"),
    Row("core:user_disable", get=ADMINS, post=ADMINS, about="user"),
    Row("core:user_enable", post=ADMINS, about="user"),
    Row("core:invitation_resend", post=ADMINS, about="invitation"),
    Row("core:invitation_revoke", post=ADMINS, about="invitation"),
    Row("core:teams", get=ADMINS),
    Row("core:team_new", get=ADMINS, post=ADMINS),
    Row("core:team", get=ADMINS, post=ADMINS, about="team"),
    Row("core:team_archive", post=ADMINS, about="team"),
    Row("core:team_restore", post=ADMINS, about="team"),
    Row("core:fields", get=ADMINS),
    Row("core:fields_of", get=ADMINS, also=RECORD),
    Row("core:field_new", get=ADMINS, post=ADMINS, also=RECORD),
    Row("core:field_order", post=ADMINS, also=RECORD),
    Row("core:field", get=ADMINS, post=ADMINS, about="custom field"),
    Row("core:field_archive", post=ADMINS, about="custom field"),
    Row("core:field_restore", post=ADMINS, about="custom field"),
    Row("core:field_kind", get=ADMINS, post=ADMINS, about="custom field", data={"kind": "long_text"}),
    Row("core:field_change", get=ADMINS, about="change of a field"),
    Row("core:field_change_stop", post=ADMINS, about="change of a field"),
    Row("core:field_choices", post=ADMINS, about="custom field"),
    Row("core:field_kind_undo", post=ADMINS, about="change of a field"),
    Row("core:field_section_new", get=ADMINS, post=ADMINS, also=RECORD),
    Row("core:field_section_order", post=ADMINS, also=RECORD),
    Row("core:field_section", get=ADMINS, post=ADMINS, about="field section"),
    Row("core:field_section_remove", post=ADMINS, about="field section"),
    Row("core:history", get=ADMINS),
    Row("api:me-list", get=EVERYONE),
    Row("api:views-list", get=EVERYONE, post=EVERYONE),
    Row("api:views-lists", get=EVERYONE),
    Row("api:views-detail", get=OWNER, patch=OWNER, delete=OWNER, about="own view", seen_by={"any": OWNER}),
    Row("api:views-default", post=EVERYONE, delete=EVERYONE, about="shared view"),
    Row("api:views-restore", post=("owner", "admin"), about="deleted view"),
    Row("api:users-list", get=EVERYONE),
    Row("api:users-detail", get=EVERYONE, about="user"),
    Row("api:teams-list", get=EVERYONE),
    Row("api:teams-detail", get=EVERYONE, about="team"),
    Row("core:join", get=OPEN, post=OPEN, always="missing"),
    Row("core:join_link", get=OPEN, also={"pk": 1, "token": "no-such-token"}, always="missing"),
    Row("core:setup", get=OPEN, post=OPEN, always="missing"),
    Row("core:setup_link", get=OPEN, also={"code": "no-such-code"}, always="missing"),
    Row("core:metrics", get=OPEN),
    Row("core:styleguide", get=EVERYONE, post=EVERYONE),
]

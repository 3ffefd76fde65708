"""The addresses of this room; `clients/urls.py` takes them."""

from django.urls import path, register_converter

from clients.engagements.finding import offered_engagements
from clients.engagements.lists import ENGAGEMENTS
from clients.engagements.views import kinds, record
from clients.engagements.words import guarded
from crm.core.search.options import options_of


class MoveTo:
    """The states that one click leads to."""

    regex = "open|closing"

    def to_python(self, value):
        return value

    def to_url(self, value):
        return str(value)


register_converter(MoveTo, "engagement_state")

urlpatterns = guarded(
    [
        *ENGAGEMENTS.urls("engagements/", "engagements"),
        path("engagements/options/", options_of("engagements", offered_engagements), name="engagement_options"),
        path("engagements/new/", record.create, name="engagement_new"),
        path("clients/<int:client_id>/engagements/new/", record.create, name="engagement_new_for"),
        path("engagements/<int:pk>/", record.show, name="engagement"),
        path("engagements/<int:pk>/in/<slug:key>/", record.tab, name="engagement_tab"),
        path("engagements/<int:pk>/facts/<slug:name>/", record.fact, name="engagement_fact"),
        path("engagements/<int:pk>/edit/", record.edit, name="engagement_edit"),
        path("engagements/<int:pk>/to/<engagement_state:state>/", record.move, name="engagement_move"),
        path("engagements/<int:pk>/moved/<int:version>/undo/", record.undo_move, name="engagement_move_undo"),
        path("engagements/<int:pk>/close/", record.close, name="engagement_close"),
        path("engagements/<int:pk>/archive/", record.archive, name="engagement_archive"),
        path("engagements/<int:pk>/restore/", record.restore, name="engagement_restore"),
        path("engagements/<int:pk>/restrict/", record.restrict, name="engagement_restrict"),
        path("engagements/<int:pk>/lift/", record.lift, name="engagement_lift"),
        path("engagements/<int:pk>/team/add/", record.add_seat, name="engagement_seat_new"),
        path("engagements/<int:pk>/team/<int:seat_id>/remove/", record.remove_seat, name="engagement_seat_remove"),
        path("engagements/<int:pk>/parties/add/", record.add_party, name="engagement_party_new"),
        path("engagements/<int:pk>/parties/<int:party_id>/", record.edit_party, name="engagement_party"),
        path(
            "engagements/<int:pk>/parties/<int:party_id>/remove/", record.remove_party, name="engagement_party_remove"
        ),
        path("settings/engagement-kinds/", kinds.show, name="engagement_kinds"),
        path("settings/engagement-kinds/new/", kinds.create, name="engagement_kind_new"),
        path("settings/engagement-kinds/<int:kind_id>/", kinds.edit, name="engagement_kind"),
        path("settings/engagement-kinds/<int:kind_id>/archive/", kinds.archive, name="engagement_kind_archive"),
        path("settings/engagement-kinds/<int:kind_id>/restore/", kinds.restore, name="engagement_kind_restore"),
    ]
)

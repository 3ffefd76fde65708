"""The kernel's own pages."""

from django.urls import path

from crm.core.archive import urls as archive_urls
from crm.core.bulk import views as bulk
from crm.core.drafts import views as drafts
from crm.core.fields.custom import urls as fields_urls
from crm.core.firm import views as firm
from crm.core.history import views as history
from crm.core.importing import urls as imports_urls
from crm.core.listing import selection
from crm.core.listing import views as lists
from crm.core.mail import urls as outbox_urls
from crm.core.notifications import views as notifications
from crm.core.people.views import colleagues, joining, profile, teams
from crm.core.search import views as search
from crm.core.status import views as status
from crm.core.ui.views import styleguide

app_name = "core"
urlpatterns = [
    path("search/", search.search, name="search"),
    path("lists/undo/<int:pk>/", selection.undo, name="undo-selected"),
    path("lists/changes/<int:pk>/", bulk.show, name="bulk-change"),
    path("lists/changes/<int:pk>/stop/", bulk.stop, name="bulk-stop"),
    path("lists/views/<int:pk>/", lists.edit, name="list-view"),
    path("lists/views/<int:pk>/save/", lists.save, name="list-view-save"),
    path("lists/views/<int:pk>/delete/", lists.delete, name="list-view-delete"),
    path("lists/views/<int:pk>/restore/", lists.restore, name="list-view-restore"),
    path("lists/<str:key>/views/", lists.views, name="list-views"),
    path("lists/<str:key>/views/new/", lists.new, name="list-view-new"),
    path("lists/<str:key>/views/order/", lists.order, name="list-view-order"),
    path("lists/<str:key>/start/", lists.start, name="list-start"),
    path("lists/<str:key>/columns/", lists.columns, name="list-columns"),
    path("lists/<str:key>/widths/", lists.widths, name="list-widths"),
    path("drafts/<slug:kind>/", drafts.draft, name="draft"),
    *notifications.NOTIFICATIONS.urls("notifications/", "notifications"),
    path("notifications/read/", notifications.read_all, name="notifications_read"),
    path("notifications/<int:pk>/open/", notifications.open_one, name="notification_open"),
    path("notifications/<int:pk>/read/", notifications.read_one, name="notification_read"),
    path("profile/", profile.profile, name="profile"),
    path("profile/theme/", profile.set_theme, name="set_theme"),
    path("profile/sessions/end/", profile.end_sessions, name="end_sessions"),
    path("profile/tokens/", profile.api_tokens, name="api_tokens"),
    path("profile/tokens/<int:pk>/revoke/", profile.api_token_revoke, name="api_token_revoke"),
    path("settings/", firm.settings, name="settings"),
    path("settings/days/", firm.days, name="days"),
    path("settings/days/add/", firm.holiday_add, name="holiday_add"),
    path("settings/days/<int:pk>/remove/", firm.holiday_remove, name="holiday_remove"),
    *colleagues.PEOPLE.urls("settings/people/", "users"),
    path("settings/people/invite/", colleagues.invite, name="invite"),
    path("settings/people/<int:pk>/", colleagues.user, name="user"),
    path("settings/people/<int:pk>/disable/", colleagues.user_disable, name="user_disable"),
    path("settings/people/<int:pk>/enable/", colleagues.user_enable, name="user_enable"),
    path("settings/invitations/<int:pk>/resend/", colleagues.invitation_resend, name="invitation_resend"),
    path("settings/invitations/<int:pk>/revoke/", colleagues.invitation_revoke, name="invitation_revoke"),
    path("settings/teams/", teams.teams, name="teams"),
    path("settings/teams/new/", teams.team, name="team_new"),
    path("settings/teams/<int:pk>/", teams.team, name="team"),
    path("settings/teams/<int:pk>/archive/", teams.team_archive, name="team_archive"),
    path("settings/teams/<int:pk>/restore/", teams.team_restore, name="team_restore"),
    path("settings/history/", history.history, name="history"),
    path("join/", joining.join, name="join"),
    path("join/<int:pk>/<str:token>/", joining.join_link, name="join_link"),
    path("setup/", joining.setup, name="setup"),
    path("setup/<str:code>/", joining.setup_link, name="setup_link"),
    path("metrics", status.metrics, name="metrics"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
]
urlpatterns += fields_urls.urlpatterns
urlpatterns += archive_urls.urlpatterns
urlpatterns += imports_urls.urlpatterns
urlpatterns += outbox_urls.urlpatterns

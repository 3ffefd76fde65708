"""The root URLs. Each app has its own; pages without login are listed in crm/core/base/open_pages.py."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from django.urls import include, path, re_path
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView

from tools.demo.views import demo

# Only the parts of the login library in use: no sign-up, change of address or login by emailed code.
accounts = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("password/reset/key/done/", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    path("2fa/", mfa.index, name="mfa_index"),
    path("2fa/authenticate/", mfa.authenticate, name="mfa_authenticate"),
    path("2fa/reauthenticate/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("2fa/totp/activate/", totp.activate_totp, name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("2fa/recovery-codes/", recovery_codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("2fa/recovery-codes/generate/", recovery_codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("2fa/recovery-codes/download/", recovery_codes.download_recovery_codes, name="mfa_download_recovery_codes"),
]

urlpatterns = [
    path("", require_safe(RedirectView.as_view(pattern_name="interactions:today")), name="home"),
    path("api/", include("crm.api")),
    path("accounts/", include(accounts)),
    path("", include("interactions.urls")),
    path("", include("clients.urls")),
    path("", include("onboarding.urls")),
    path("", include("reports.urls")),
    path("", include("crm.core.urls")),
    path("settings/demo/", demo, name="demo"),
]

handler400 = "crm.core.ui.views.faults.unreadable"
handler403 = "crm.core.ui.views.faults.forbidden"
handler404 = "crm.core.ui.views.faults.not_found"
handler429 = "crm.core.ui.views.faults.too_many"  # allauth asks for it
handler500 = "crm.core.ui.views.faults.broken"

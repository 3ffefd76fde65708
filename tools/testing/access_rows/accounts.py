"""The login library's pages, and the API's description."""

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

from tools.testing.access import EVERYONE, OPEN, SIGNED_IN, Row


def build(scene):
    """Everybody has a second factor, so that its pages have something to show."""
    for name in SIGNED_IN:
        TOTP.activate(scene.users[name], generate_totp_secret())
        RecoveryCodes.activate(scene.users[name])


ROWS = [
    Row("home", get=EVERYONE),
    Row("account_login", get=OPEN, post=OPEN),
    Row("account_logout", get=OPEN, post=OPEN),
    Row("account_inactive", get=OPEN),
    Row("account_reauthenticate", get=EVERYONE, post=EVERYONE),
    Row("account_change_password", get=EVERYONE, post=EVERYONE),
    Row("account_reset_password", get=OPEN, post=OPEN),
    Row("account_reset_password_done", get=OPEN),
    Row("account_reset_password_from_key", get=OPEN, post=OPEN, also={"uidb36": "1", "key": "nothing-valid"}),
    Row("account_reset_password_from_key_done", get=OPEN),
    Row("mfa_index", get=EVERYONE),
    Row("mfa_authenticate", get=OPEN, post=OPEN, always="elsewhere"),
    Row("mfa_reauthenticate", get=EVERYONE, post=EVERYONE),
    Row("mfa_activate_totp", get=EVERYONE, post=EVERYONE),
    Row("mfa_deactivate_totp", get=EVERYONE, post=EVERYONE),
    Row("mfa_view_recovery_codes", get=EVERYONE),
    Row("mfa_generate_recovery_codes", get=EVERYONE, post=EVERYONE),
    Row("mfa_download_recovery_codes", get=EVERYONE, post=EVERYONE),
    Row("api-schema", get=EVERYONE),
    Row("api-docs", get=EVERYONE),
]

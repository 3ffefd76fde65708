"""The addresses that need no login. A system check compares this list with the views; anything else is closed."""

OPEN_PAGES = {
    "account_inactive",
    "account_login",
    "account_logout",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "mfa_authenticate",
    # an invitation, and the set-up of a new firm: each needs a secret link
    "core:join",
    "core:join_link",
    "core:setup",
    "core:setup_link",
    # a recipient stops progress emails: needs the secret link of the mail
    "interactions:progress_stop",
    "interactions:progress_stopping",
    # a provider reports bounces: needs the name and password of MAIL_WEBHOOK_SECRET
    "core:mail_events",
    # somebody asked by mail answers, or wants no more surveys: needs the secret link of the mail
    "interactions:survey-answer",
    "interactions:survey-answer-link",
    "interactions:survey-stop",
    "interactions:survey-stop-link",
    # answers 404 but to this machine or an admin
    "core:metrics",
}

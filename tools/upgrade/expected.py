"""What migrations may change in the rows of the old code. Everything else is a failure. Each entry says why."""

# Tables that may get new rows. The old rows stay as they are.
GROWS = {
    "django_migrations": "Every new migration adds its row.",
    "django_content_type": "Every new model adds its row.",
    "auth_permission": "Every new model adds its permissions.",
}

# (table, column): values that may change, or columns that may go.
CHANGES: dict[tuple[str, str], str] = {
    (
        "clients_clientfacts",
        "next_step_text",
    ): "Dropped: a copy of a follow-up's title; pages read the follow-up itself.",
}

# Tables that may go.
GOES: dict[str, str] = {}

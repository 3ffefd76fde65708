from tools.testing.samples import declare


def _pair(own, **dismissed):
    return own.changed("client pair", **dismissed)


declare(
    "clients.duplicates.services",
    dismiss_duplicate=lambda own: {"pair": own("client pair"), "now": own.now},
    reopen_duplicate=lambda own: {"pair": _pair(own, dismissed_at=own.now)},
)

"""Sends the outbox: rows are claimed one by one, and each is handed to the server once.

`claims` moves rows between states, `relay` speaks SMTP, `message` builds the mail, `breaker` waits for a relay that is
away, `settle` sweeps what a killed sender left, `journal` looks up undecided mails, `providers` speaks HTTP instead of
SMTP, `decisions` holds people's actions on a row, `health` what pages show.
"""

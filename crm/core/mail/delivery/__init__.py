"""Sending what the outbox holds: claimed row by row, each handed to the server once.

`claims` moves rows between states, `relay` speaks SMTP, `message` builds the mail, `breaker` waits for a relay that is
away, `settle` sweeps what a killed sender left, `journal` looks up undecided mails, `providers` speak HTTP instead of SMTP,
`decisions` is what people do with a row, `health` what pages show of it.
"""

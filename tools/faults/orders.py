"""A mail's instructions to the sink, as part of its address, so that the right outcome of each mail is known.

`m17.rcpt-451@client.example`: the first RCPT of this address is answered with 451, later ones are accepted. Only 550 is
repeated. Several orders are joined with a dot; those for the journal start with `journal-`.
"""

from dataclasses import dataclass

DOMAIN = "client.example"
JOURNAL = "journal@firm.example"
STAGES = ("rcpt", "data", "dot", "journal")


@dataclass(frozen=True)
class Order:
    stage: str
    what: str

    @property
    def is_for_good(self) -> bool:
        return self.what == "550"


def address(number: int | str, orders: str = "") -> str:
    return f"m{number}{'.' + orders if orders else ''}@{DOMAIN}"


def of(recipient: str) -> list[Order]:
    local = recipient.rpartition("@")[0]
    words = [word.partition("-") for word in local.split(".")[1:]]
    return [Order(stage, what) for stage, _dash, what in words if stage in STAGES]


def expected(orders: str, *, has_journal_policy: bool) -> set[str]:
    """The states in which the last row of a mail may end, and "uncertain" if nobody can know the outcome."""
    words = orders.split(".") if orders else []
    if any(word in ("rcpt-550", "data-550", "dot-550") for word in words):
        return {"dead"}
    is_unanswered = any(word.startswith(("dot-reset", "dot-silence")) for word in words)
    if is_unanswered and (not has_journal_policy or any(word.startswith("journal-") for word in words)):
        return {"uncertain"}
    return {"sent"}

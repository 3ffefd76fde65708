from interactions.services.agreements import (
    break_commitment,
    create_commitment,
    keep_commitment,
    record_decision,
    reopen_commitment,
    settle_commitment,
    withdraw_commitment,
)
from interactions.services.cadences import set_cadence
from interactions.services.facts import rebuild_facts, refresh_last_contact, refresh_next_step, refresh_nps
from interactions.services.follow_ups import (
    cancel_follow_up,
    complete_follow_up,
    create_follow_up,
    reassign_follow_up,
    reopen_follow_up,
    snooze_follow_up,
    update_follow_up,
)
from interactions.services.interactions import (
    NextStep,
    archive_interaction,
    correct_interaction,
    log_interaction,
    pin_interaction,
    restore_interaction,
)
from interactions.services.surveys import archive_answer, ensure_nps_survey, record_answer, restore_answer

__all__ = [
    "NextStep",
    "archive_answer",
    "archive_interaction",
    "break_commitment",
    "cancel_follow_up",
    "complete_follow_up",
    "correct_interaction",
    "create_commitment",
    "create_follow_up",
    "ensure_nps_survey",
    "keep_commitment",
    "log_interaction",
    "pin_interaction",
    "reassign_follow_up",
    "rebuild_facts",
    "record_answer",
    "record_decision",
    "refresh_last_contact",
    "refresh_next_step",
    "refresh_nps",
    "reopen_commitment",
    "reopen_follow_up",
    "restore_answer",
    "restore_interaction",
    "set_cadence",
    "settle_commitment",
    "snooze_follow_up",
    "update_follow_up",
    "withdraw_commitment",
]

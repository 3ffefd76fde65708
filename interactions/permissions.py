"""Who may do what with interactions and follow-ups. Who may see them is `visible_to(principal)` on their QuerySets."""

from django.utils.translation import gettext_lazy as _

from clients import permissions as client_permissions
from clients.cover.queries import is_covering

IN_TRASH = client_permissions.IN_TRASH
may_edit_clients_of = client_permissions.may_edit_clients_of
ASKED_BY = _("Only the client's account manager and managers can send surveys.")


def may_log(principal, client) -> bool:
    """Everyone who sees a client may work with it; nothing is added to an archived one."""
    return client_permissions.may_edit(principal, client)


def may_correct(principal, interaction) -> bool:
    """The author, the client's account manager, whoever covers for them, managers and admins."""
    if not client_permissions.may_edit(principal, interaction.client):
        return False
    is_theirs = principal.user_id in (interaction.author_id, interaction.client.owner_id) and principal.is_user
    return is_theirs or principal.sees_all or is_covering(principal, interaction.client)


def may_change_follow_up(principal, follow_up) -> bool:
    """Follow-ups are the firm's work: everyone who sees the client may complete, move or reassign them."""
    return follow_up.client is None or client_permissions.may_edit(principal, follow_up.client)


def may_change_digest(principal, row) -> bool:
    """Its reader; an admin may skip one."""
    return row.user_id == principal.user_id or principal.is_admin


def may_change_client(principal, client) -> bool:
    """Decisions, commitments, survey answers and the cadence of a client."""
    return client_permissions.may_edit(principal, client)


def may_ask(principal, client) -> bool:
    """Ask people of one client for an answer: its account manager, whoever covers for them, managers and admins."""
    if not client_permissions.may_edit(principal, client):
        return False
    return client.owner_id == principal.user_id or principal.sees_all or is_covering(principal, client)


def may_send_surveys(principal) -> bool:
    """Email many clients at once, and set when that happens automatically and with which texts."""
    return principal.is_manager or principal.is_admin


def may_pin(principal, interaction) -> bool:
    return may_log(principal, interaction.client)


def may_thank(principal, referral) -> bool:
    return may_log(principal, referral.client)


def may_add_follow_up(principal, client) -> bool:
    """A follow-up without a client is personal."""
    return client is None or client_permissions.may_edit(principal, client)


def may_change_commitment(principal, commitment) -> bool:
    return may_change_client(principal, commitment.client)


def may_change_decision(principal, decision) -> bool:
    return may_change_client(principal, decision.client)


def may_change_progress(principal, email) -> bool:
    return may_change_client(principal, email.client)


def may_change_recipient(principal, recipient) -> bool:
    return may_change_client(principal, recipient.schedule.client)


def may_change_answer(principal, response) -> bool:
    return may_change_client(principal, response.client)


def may_decide_invitation(principal, invitation) -> bool:
    return may_ask(principal, invitation.client)


def is_asked(principal, invitation) -> bool:
    """The link was made for this person at this client."""
    return (principal.contact_id, principal.client_id) == (invitation.contact_id, invitation.client_id)


def is_recipient(principal, recipient) -> bool:
    """The link was made for this person at this client."""
    return (principal.contact_id, principal.client_id) == (recipient.contact_id, recipient.schedule.client_id)


def may_log_for_others(principal) -> bool:
    """Import colleagues' interactions from another system, under the colleague's name."""
    return principal.is_manager or principal.is_admin

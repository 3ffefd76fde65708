"""Who may do what with client records; the services check it. Who may see them is `visible_to(principal)`
(clients/gate.py).
"""

from django.utils.translation import gettext_lazy as _

IN_TRASH = _("This client is archived. Restore it first.")
ALREADY_IN_TRASH = _("This client is already archived.")
OPPORTUNITY_IN_TRASH = _("This opportunity, or its client, is archived. Restore it first.")
PERSON_IN_TRASH = _("This contact is archived. Restore them first.")
DOCUMENT_IN_TRASH = _("This document or its client is archived. Restore it first.")
INVOICE_IN_TRASH = _("This invoice or its client is archived. Restore it first.")
ENGAGEMENT_IN_TRASH = _("This is archived, or its client is. Restore it first.")
HAND_ON = _("Only the account manager, a manager or an admin can reassign a client.")
MERGE = _("Only the account manager of both clients, a manager or an admin can merge them.")
UNDO_MERGE = _(
    "Only colleagues who see all clients of the merged contact, managers and admins can undo this, while the kept contact is not archived."
)
MOVE = _("Only the account manager, a manager or an admin can change the team.")


def may_edit(principal, client) -> bool:
    """Everyone who sees a client may work with it. An archived client can only be restored."""
    return client.archived_at is None


def may_edit_clients_of(principal, rows) -> bool:
    """For rows that are written together: whether every client they are about may be edited."""
    return all(may_edit(principal, row.client) for row in rows)


def is_system(principal) -> bool:
    return principal.is_system


def may_create(principal) -> bool:
    return principal.is_account_manager or principal.is_manager or principal.is_admin


def may_reassign(principal, client) -> bool:
    return principal.is_admin or principal.is_manager or client.owner_id == principal.user_id


def may_reassign_all(principal, clients) -> bool:
    return all(may_edit(principal, client) and may_reassign(principal, client) for client in clients)


def may_merge(principal, kept, away) -> bool:
    """A merge gives the one client's rows to the other's account manager."""
    return may_reassign_all(principal, [kept, away])


def may_undo_merge(principal, merge) -> bool:
    """Who may merge the two may undo it; the one merged away is archived."""
    return all(may_reassign(principal, client) for client in (merge.kept, merge.away))


def may_undo_contact_merge(principal, merge) -> bool:
    return may_change_contact(principal, merge.kept)


def may_merge_contacts(principal, kept, away) -> bool:
    return all(may_change_contact(principal, contact) for contact in (kept, away))


def may_restrict(principal, client) -> bool:
    return may_edit(principal, client) and may_reassign(principal, client)


def may_lift_restriction(principal, client) -> bool:
    """Also of an archived client."""
    return may_reassign(principal, client)


def may_manage_catalogue(principal) -> bool:
    """Services and tags are shared by the whole firm."""
    return principal.is_admin or principal.is_manager


def may_add_contact(principal, client) -> bool:
    """A contact without a client needs the right to add clients. With one, `affiliate` checks whether the client may be
    edited.
    """
    return client is not None or may_create(principal)


def may_add_contacts(principal, rows) -> bool:
    return all(may_edit(principal, row.client) if row.client else may_create(principal) for row in rows)


def may_change_contact(principal, contact) -> bool:
    return contact.archived_at is None


def may_change_affiliation(principal, affiliation) -> bool:
    return may_edit(principal, affiliation.client)


def may_change_held(principal, held) -> bool:
    return may_edit(principal, held.affiliation.client)


def may_change_access(principal, access) -> bool:
    return may_restrict(principal, access.client)


def may_change_period(principal, period) -> bool:
    return may_edit(principal, period.client)


def may_change_contract(principal, contract) -> bool:
    return may_edit(principal, contract.client)


def may_change_line(principal, line) -> bool:
    return may_edit(principal, line.client)


def may_change_document(principal, document) -> bool:
    return document.archived_at is None and may_edit(principal, document.client)


def may_restore_document(principal, document) -> bool:
    return may_edit(principal, document.client)


def may_change_opportunity(principal, opportunity) -> bool:
    return opportunity.archived_at is None and may_edit(principal, opportunity.client)


def may_restore_opportunity(principal, opportunity) -> bool:
    return may_edit(principal, opportunity.client)


def may_manage_pipelines(principal) -> bool:
    """How the firm sells is set up by admins."""
    return principal.is_admin


def may_keep_segments(principal) -> bool:
    """Every colleague who may sign in, for themselves; sharing is open to all of them."""
    return principal.is_user


def may_change_segment(principal, segment) -> bool:
    """Its owner; of a shared one an admin too."""
    return principal.is_user and (segment.owner_id == principal.user_id or (segment.is_shared and principal.is_admin))


def may_change_engagement(principal, engagement) -> bool:
    """Everyone who sees an engagement may work with it."""
    return engagement.archived_at is None and may_edit(principal, engagement.client)


def may_restore_engagement(principal, engagement) -> bool:
    return may_edit(principal, engagement.client)


def may_restrict_engagement(principal, engagement) -> bool:
    """Its lead, the client's account manager, managers and admins."""
    return may_change_engagement(principal, engagement) and _answers_for(principal, engagement)


def may_lift_engagement(principal, engagement) -> bool:
    """Also of an archived one."""
    return _answers_for(principal, engagement)


def _answers_for(principal, engagement) -> bool:
    is_theirs = principal.user_id in (engagement.lead_id, engagement.client.owner_id) and principal.is_user
    return is_theirs or principal.is_manager or principal.is_admin


def may_change_seat(principal, seat) -> bool:
    return may_change_engagement(principal, seat.engagement)


def may_change_party(principal, party) -> bool:
    return may_change_engagement(principal, party.engagement)


def may_manage_engagement_kinds(principal) -> bool:
    """What the firm takes on is set up by admins."""
    return principal.is_admin


def may_change_invoice(principal, invoice) -> bool:
    return invoice.archived_at is None and may_edit(principal, invoice.client)


def may_restore_invoice(principal, invoice) -> bool:
    return may_edit(principal, invoice.client)


def may_change_payment(principal, payment) -> bool:
    return may_change_invoice(principal, payment.invoice)


def may_change_payments(principal, rows) -> bool:
    return all(may_change_payment(principal, row) for row in rows)

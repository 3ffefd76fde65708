"""Who may do what with interactions and follow-ups. Who may see them is `visible_to(user)` on their QuerySets."""

from clients import permissions as client_permissions


def may_log(user, client) -> bool:
    """Whoever sees a client works with it; nothing is added to an archived one."""
    return client_permissions.may_edit(user, client)


def may_correct(user, interaction) -> bool:
    """Who wrote it, the client's account manager, managers and admins."""
    is_theirs = interaction.author_id == user.pk or interaction.client.owner_id == user.pk
    return (is_theirs or user.sees_all) and client_permissions.may_edit(user, interaction.client)


def may_change_follow_up(user, follow_up) -> bool:
    """Follow-ups are the firm's work: whoever sees the client may do, move or hand on one."""
    return follow_up.client is None or client_permissions.may_edit(user, follow_up.client)


def may_change_digest(user, digest) -> bool:
    """Whose morning mail it is; an admin may leave one out."""
    return digest.user_id == user.pk or user.is_admin


def may_change_client(user, client) -> bool:
    """Decisions, commitments, survey answers and the cadence of a client."""
    return client_permissions.may_edit(user, client)


def may_ask(user, client) -> bool:
    """Ask people of one client for an answer: its account manager, managers and admins."""
    return (client.owner_id == user.pk or user.sees_all) and client_permissions.may_edit(user, client)


def may_send_surveys(user) -> bool:
    """Write to many clients at once, say when that happens by itself, and in what words."""
    return user.is_manager or user.is_admin

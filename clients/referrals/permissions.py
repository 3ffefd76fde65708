"""Who may do what with referrals: whoever sees the client and who referred it."""

from clients.permissions import may_edit


def may_change_referral(principal, referral) -> bool:
    return referral.archived_at is None and may_edit(principal, referral.client)


def may_restore_referral(principal, referral) -> bool:
    return may_edit(principal, referral.client)

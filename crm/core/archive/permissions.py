"""Admins make archives of what they may see, and only they have them: another admin may see other clients."""

from crm.core.base.permissions import may_administer


def may_use_archive(principal, job) -> bool:
    return may_administer(principal) and job.user_id == principal.user_id

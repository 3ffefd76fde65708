"""Who may import; each kind of import decides."""

from crm.core.importing import kinds


def may_import(principal) -> bool:
    """Whether they may import at least one kind."""
    return any(kind.may_import(principal) for kind in kinds.kinds())


def may_import_kind(principal, kind) -> bool:
    return kind.may_import(principal)


def may_import_job(principal, job) -> bool:
    """Only the user who uploaded the file: it may name clients that others cannot see, and rows are saved as that
    user.
    """
    return job.user_id == principal.user_id and kinds.get(job.kind.removeprefix("import:")).may_import(principal)

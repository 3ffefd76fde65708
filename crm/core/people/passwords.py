"""How passwords are hashed and checked: docs/decisions/0014."""

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.hashers import Argon2PasswordHasher, make_password

from crm.core.base.kept import SameForAll
from crm.core.users.models import User

NEW, OLD = "argon2", "pbkdf2_sha256"


class Argon2(Argon2PasswordHasher):
    """Argon2id with OWASP's parameters: 19 MiB, two passes, one thread."""

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1


@SameForAll
def _users(*, pk: int):
    return User.objects.filter(pk=pk)


class Backend(AuthenticationBackend):
    """Checks passwords. While some hashes are still old and slow, every failed check does the work of both algorithms, so that
    its duration does not reveal who has an account."""

    def get_user(self, user_id):
        """The user of the session, read in every request."""
        user = next(iter(_users.rows(pk=user_id)), None)
        return user if user is not None and self.user_can_authenticate(user) else None

    def _mitigate_timing_attack(self, password) -> None:
        super()._mitigate_timing_attack(password)
        _do_the_work_of(OLD, password)

    def _check_password(self, user, password):
        found = super()._check_password(user, password)
        if user is not None and found is None:
            _do_the_work_of(NEW if user.password.startswith(f"{OLD}$") else OLD, password)
        return found


def _do_the_work_of(algorithm: str, password: str) -> None:
    if User.objects.filter(password__startswith=f"{OLD}$").exists():
        make_password(password, hasher=algorithm)

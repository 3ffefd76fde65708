"""How passwords are hashed and checked: docs/decisions/0014."""

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.hashers import Argon2PasswordHasher, PBKDF2PasswordHasher, identify_hasher, make_password

from crm.core.users.models import User

OLD = PBKDF2PasswordHasher.algorithm


class Argon2(Argon2PasswordHasher):
    """Argon2id with OWASP's parameters: 19 MiB, two passes, one thread."""

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1


class Backend(AuthenticationBackend):
    """allauth's. While some passwords are still hashed the old, slow way, every failed check does the work of both ways: its time
    must not tell who has an account."""

    def _mitigate_timing_attack(self, password) -> None:
        super()._mitigate_timing_attack(password)
        _do_the_work_of(OLD, password)

    def _check_password(self, user, password):
        found = super()._check_password(user, password)
        if user is not None and found is None:
            is_old = user.has_usable_password() and identify_hasher(user.password).algorithm == OLD
            _do_the_work_of(Argon2.algorithm if is_old else OLD, password)
        return found


def _do_the_work_of(algorithm: str, password: str) -> None:
    if User.objects.filter(password__startswith=f"{OLD}$").exists():
        make_password(password, hasher=algorithm)

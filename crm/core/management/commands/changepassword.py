from django.contrib.auth.management.commands import changepassword
from django.utils import timezone

from crm.core.people.services.colleagues import end_sessions, revoke_tokens
from crm.core.users.models import User


class Command(changepassword.Command):
    help = "Change a user's password, by email address. Ends their sessions and API tokens, as a new password on the pages does."

    def handle(self, *args, **options):
        said = super().handle(*args, **options)
        user = User.objects.get(email=options["username"])
        end_sessions(user=user)
        revoked = revoke_tokens(user=user, now=timezone.now())
        self.stdout.write(f"Sessions ended. API tokens revoked: {revoked}.")
        return said

from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm.core.base.principals import acting
from crm.core.people.services.api_tokens import create_api_token
from crm.core.users.models import User


class Command(BaseCommand):
    help = "Make an API token for a user and print it. It is shown this once."

    def add_arguments(self, parser):
        parser.add_argument("email")
        parser.add_argument("--name", default="command line", help="what the token is for")
        parser.add_argument("--days", type=int, default=90, help="valid for so many days; 0: until it is revoked")
        parser.add_argument("--read-only", action="store_true", help="the token may only read")

    def handle(self, *, email, name, days, read_only, **options):
        user = User.objects.active().filter(email__iexact=email).first()
        if user is None:
            raise CommandError(f"Nobody with the address {email} may sign in.")
        if not 0 <= days <= 3660:
            raise CommandError("--days: expected a number from 0 to 3660.")
        expires = timezone.now() + timedelta(days=days) if days else None
        _row, clear = create_api_token(
            acting(user), user=user, name=name[:80], expires_at=expires, is_read_only=read_only
        )
        self.stdout.write(clear)

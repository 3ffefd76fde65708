import os

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.utils import timezone

from crm.core.base.errors import ServiceError
from crm.core.people.services import first_admin


class Command(BaseCommand):
    help = (
        "Make the first admin from RAPPORT_ADMIN_EMAIL and RAPPORT_ADMIN_PASSWORD, or print the address of the set-up page "
        "with a one-time code. Does nothing when an admin exists."
    )

    def handle(self, **options):
        if not first_admin.is_needed():
            self.stderr.write("There is an admin already.")
            return
        email, password = os.environ.get("RAPPORT_ADMIN_EMAIL", ""), os.environ.get("RAPPORT_ADMIN_PASSWORD", "")
        if email or password:
            self._create(email, password)
        else:
            code = first_admin.new_code(now=timezone.now())
            self.stdout.write("Set up your firm and its first admin here (works once, within two days):")
            self.stdout.write(f"{settings.BASE_URL}/setup/{code}/")

    def _create(self, email, password):
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError("RAPPORT_ADMIN_EMAIL: expected the e-mail address of the first admin.") from error
        if not password:
            raise CommandError("RAPPORT_ADMIN_PASSWORD: is not set; expected the first admin's password.")
        try:
            user = first_admin.create_first_admin(email=email, person_name=email.partition("@")[0], password=password)
        except ServiceError as error:
            variable = "RAPPORT_ADMIN_PASSWORD" if error.field.startswith("password") else "RAPPORT_ADMIN_EMAIL"
            raise CommandError(f"{variable}: {error.message}") from error
        self.stdout.write(f"{user.email} is the first admin.")

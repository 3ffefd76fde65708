"""The web application, for gunicorn: `gunicorn crm.wsgi`."""

import logging
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
application = get_wsgi_application()

from crm.core.status.checks import dangers  # noqa: E402  needs the settings and the apps

for danger in dangers():
    logging.getLogger("rapport").warning(danger)

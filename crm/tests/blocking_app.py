"""For test_web.py: answers `/held` only once a file is there, everything else at once."""

import os
import time
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
RELEASE = Path(os.environ.get("RAPPORT_TEST_RELEASE", "/nonexistent"))


def application(environ, start_response):
    while environ["PATH_INFO"] == "/held" and not RELEASE.exists():
        time.sleep(0.01)
    body = str(len(environ["wsgi.input"].read())).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]

"""The settings of `script/bench`: the application as it is, plus the floor to compare with and what each answer cost."""

from crm.settings import *  # noqa: F403
from crm.settings import MIDDLEWARE

ROOT_URLCONF = "tools.bench.urls"
MIDDLEWARE = ["tools.bench.measure.CostMiddleware", *MIDDLEWARE]

"""The settings of `script/bench`: the application's, plus the floor to compare with and the cost of each response."""

from crm.settings import *  # noqa: F403
from crm.settings import MIDDLEWARE

ACCOUNT_RATE_LIMITS = False  # one machine logs in every second
ROOT_URLCONF = "tools.bench.urls"
MIDDLEWARE = ["tools.bench.measure.CostMiddleware", *MIDDLEWARE]

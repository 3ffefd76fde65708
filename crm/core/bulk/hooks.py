"""Wiring of bulk actions: who does them in the background."""

from crm.core.bulk.running import run_job, start
from crm.core.listing.selection import in_background
from crm.core.work.leases import Runner, runners

runners.register(Runner("bulk", run_job))
in_background(start)

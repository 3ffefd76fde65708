"""Wiring of bulk actions: who does them in the background."""

from crm.core.bulk.running import forget_old_jobs, run_job, runs, start
from crm.core.listing.selection import in_background
from crm.core.work.leases import Runner, runners
from crm.core.work.schedule import Job, periodic

runners.register(Runner("bulk", run_job))
in_background(start, runs)
periodic.register(Job("bulk.jobs", forget_old_jobs))

"""The Celery application and its timetable.

Messages are wake-ups: they carry no time and no state. What is due is a column in Postgres; a tick only looks there. A
wake-up that no worker takes in time may be dropped, hence the short `expires`. Beat keeps no file, because there is
nothing to remember.
"""

import os

from celery import Celery
from celery.signals import worker_init, worker_shutting_down
from kombu import Queue

from crm.core.work import stopping

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
app = Celery("rapport")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.update(
    # Mail and the tick have their own workers (`-Q mail`, `-Q tick`), so that neither waits for an import. A worker
    # started without a queue takes from all of them.
    task_queues=[Queue("mail"), Queue("tick"), Queue("celery")],
    task_default_queue="celery",
    task_routes={"crm.core.tasks.deliver": {"queue": "mail"}, "crm.core.tasks.tick": {"queue": "tick"}},
    beat_scheduler="celery.beat:Scheduler",
    beat_schedule={
        "deliver": {
            "task": "crm.core.tasks.deliver",
            "schedule": 15.0,
            "options": {"expires": 60, "ignore_result": True},
        },
        "tick": {"task": "crm.core.tasks.tick", "schedule": 60.0, "options": {"expires": 120, "ignore_result": True}},
    },
    broker_transport_options={"socket_connect_timeout": 3, "socket_keepalive": True},
    broker_connection_max_retries=None,  # a worker waits for Redis without limit; the default gives up after 50 minutes
    worker_pool="prefork",
    worker_max_tasks_per_child=2000,
    task_acks_late=False,
    task_reject_on_worker_lost=False,
    worker_prefetch_multiplier=1,
)

worker_init.connect(lambda **kwargs: stopping.go_on(), weak=False)
worker_shutting_down.connect(lambda **kwargs: stopping.stop(), weak=False)

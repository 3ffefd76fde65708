"""Domain signals, sent inside the causing transaction. plan_changed: kwargs plan, actor, what. task_done: task, actor. plan_done: plan, actor."""

from django.dispatch import Signal

plan_changed = Signal()
plan_done = Signal()
task_done = Signal()

"""What the columns of a file decide, kept with the import: finding it out reads the whole file, which takes too long for a page."""

from dataclasses import asdict
from typing import Any

from crm.core.base.deciding import Decision, Option
from crm.core.importing.planner import kind_of
from crm.core.work.models import Job


def _about(job: Job, mapping: dict[str, str]) -> dict[str, Any]:
    """What the decisions depend on, besides the file."""
    asking = {
        column.name: [column.asks, mapping[column.name]]
        for column in kind_of(job).columns
        if column.asks and mapping.get(column.name)
    }
    return {"kind": job.kind, "table": job.options.get("table"), "dialect": job.options["dialect"], "asking": asking}


def kept_decisions(job: Job, mapping: dict[str, str]) -> dict[str, Decision] | None:
    """Those of these columns, if they are kept."""
    kept = job.options.get("decided") or {}
    if kept.get("about") != _about(job, mapping):
        return None
    return {name: _decision(said) for name, said in kept["decisions"].items()}


def keep_decisions(job: Job, mapping: dict[str, str], decisions: dict[str, Decision]) -> None:
    """Set them on the job, which is not saved."""
    said = {name: asdict(decision) | {"shapes": sorted(decision.shapes)} for name, decision in decisions.items()}
    job.options = job.options | {"decided": {"about": _about(job, mapping), "decisions": said}}


def _decision(said: dict[str, Any]) -> Decision:
    options = [
        Option(each["value"], tuple((a, b) for a, b in each["samples"]), each["misfits"]) for each in said["options"]
    ]
    return Decision(said["subject"], said["value"], tuple(options), frozenset(said["shapes"]))

from onboarding.queries.plans import (
    PhaseRow,
    PlanPage,
    main_contact,
    plan_page,
    plan_tasks,
    startable_version,
    with_next_tasks,
)

__all__ = ["PhaseRow", "PlanPage", "main_contact", "plan_page", "plan_tasks", "startable_version", "with_next_tasks"]

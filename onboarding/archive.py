"""What an archive of the firm holds of this app: all of it. Registers itself."""

from crm.core.archive.tables import keep
from onboarding.models import (
    Plan,
    PlanPhase,
    Task,
    TaskComment,
    Template,
    TemplatePhase,
    TemplateTask,
    TemplateVersion,
)

keep(Template, TemplateVersion, TemplatePhase, TemplateTask, Plan, PlanPhase, Task, TaskComment)

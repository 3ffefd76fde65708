from onboarding.models.plan import Plan, PlanPhase, Task, TaskComment
from onboarding.models.template import Template, TemplatePhase, TemplateTask, TemplateVersion

__all__ = ["Plan", "PlanPhase", "Task", "TaskComment", "Template", "TemplatePhase", "TemplateTask", "TemplateVersion"]

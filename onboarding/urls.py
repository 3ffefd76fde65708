from django.urls import path

from onboarding.lists import PLANS, TASKS, TEMPLATES
from onboarding.views import builder, client, plan, plans, tasks, templates

app_name = "onboarding"

urlpatterns = [
    *PLANS.urls("onboarding/plans/", "plans"),
    path("onboarding/plans/new/", plans.choose_client, name="choose_client"),
    path("onboarding/plans/<int:pk>/", plan.show, name="plan"),
    path("onboarding/plans/<int:pk>/edit/", plan.edit, name="plan_edit"),
    path("onboarding/plans/<int:pk>/history/", plan.history, name="plan_history"),
    path("onboarding/plans/<int:pk>/move/<slug:move>/", plan.move, name="plan_move"),
    *TASKS.urls("onboarding/tasks/", "tasks"),
    path("onboarding/tasks/<int:pk>/", tasks.show, name="task"),
    path("onboarding/tasks/<int:pk>/move/<slug:move>/", tasks.move, name="task_move"),
    path("onboarding/tasks/<int:pk>/assign/", tasks.assign, name="task_assign"),
    path("onboarding/tasks/<int:pk>/due/", tasks.due, name="task_due"),
    path("onboarding/tasks/<int:pk>/comment/", tasks.comment, name="task_comment"),
    *TEMPLATES.urls("onboarding/templates/", "templates"),
    path("onboarding/templates/new/", templates.create, name="template_create"),
    path("onboarding/templates/<int:pk>/", templates.show, name="template"),
    path("onboarding/templates/<int:pk>/edit/", templates.edit, name="template_edit"),
    path("onboarding/templates/<int:pk>/draft/", templates.draft, name="template_draft"),
    path("onboarding/templates/<int:pk>/archive/", templates.archive, name="template_archive"),
    path("onboarding/templates/<int:pk>/restore/", templates.restore, name="template_restore"),
    path("onboarding/templates/<int:pk>/duplicate/", templates.duplicate, name="template_duplicate"),
    path("onboarding/versions/<int:pk>/", builder.version, name="version"),
    path("onboarding/versions/<int:pk>/compare/", builder.compare, name="version_compare"),
    path("onboarding/versions/<int:pk>/preview/", builder.preview, name="version_preview"),
    path("onboarding/versions/<int:pk>/publish/", builder.publish, name="version_publish"),
    path("onboarding/versions/<int:pk>/discard/", builder.discard, name="version_discard"),
    path("onboarding/versions/<int:pk>/undo/", builder.undo, name="version_undo"),
    path("onboarding/versions/<int:pk>/phases/", builder.phase_add, name="phase_add"),
    path("onboarding/phases/<int:pk>/rename/", builder.phase_rename, name="phase_rename"),
    path("onboarding/phases/<int:pk>/move/", builder.phase_move, name="phase_move"),
    path("onboarding/phases/<int:pk>/remove/", builder.phase_remove, name="phase_remove"),
    path("onboarding/phases/<int:pk>/tasks/", builder.task_add, name="task_add"),
    path("onboarding/phases/<int:pk>/order/", builder.task_order, name="task_order"),
    path("onboarding/template-tasks/<int:pk>/", builder.task_save, name="template_task"),
    path("onboarding/template-tasks/<int:pk>/move/", builder.task_move, name="template_task_move"),
    path("onboarding/template-tasks/<int:pk>/remove/", builder.task_remove, name="template_task_remove"),
    path("clients/<int:client_id>/onboarding/", client.tab, name="client"),
    path("clients/<int:client_id>/onboarding/start/", client.start, name="start"),
]

from onboarding.api import views


def register(router) -> None:
    """Add this app's viewsets to the API's router."""
    router.register("onboarding/templates", views.TemplateViewSet, basename="onboarding-templates")
    router.register("onboarding/plans", views.PlanViewSet, basename="onboarding-plans")
    router.register("onboarding/tasks", views.TaskViewSet, basename="onboarding-tasks")

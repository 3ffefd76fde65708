from interactions.api import feeds, progress, views  # noqa: F401  feeds register themselves


def register(router) -> None:
    """Add this app's viewsets to the API's router."""
    router.register("progress-emails", progress.ProgressEmailViewSet, basename="progress-emails")
    router.register("interactions", views.InteractionViewSet, basename="interactions")
    router.register("follow-ups", views.FollowUpViewSet, basename="follow-ups")
    router.register("commitments", views.CommitmentViewSet, basename="commitments")
    router.register("surveys", views.SurveyViewSet, basename="surveys")
    router.register("survey-responses", views.SurveyResponseViewSet, basename="survey-responses")
    router.register("survey-invitations", views.SurveyInvitationViewSet, basename="survey-invitations")

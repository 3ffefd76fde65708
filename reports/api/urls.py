from reports.api.views import ReportViewSet


def register(router) -> None:
    """Add this app's viewsets to the API's router."""
    router.register("reports", ReportViewSet, basename="reports")

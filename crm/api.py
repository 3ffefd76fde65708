"""The API: every app registers its viewsets, all under /api/v1/."""

from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.routers import SimpleRouter

from clients.api import urls as clients
from crm.core.api import changes, docs, imports, moves, saved_views
from crm.core.people import api as people
from interactions.api import urls as interactions
from onboarding.api import urls as onboarding
from reports.api import urls as reports

router = SimpleRouter()
router.trailing_slash = "/?"
for app in (people, saved_views, changes, imports, moves, clients, interactions, onboarding, reports):
    app.register(router)

urlpatterns = [
    path("v1/", include((router.urls, "api"))),
    path("schema/", SpectacularJSONAPIView.as_view(), name="api-schema"),
    path("docs/", docs.show, name="api-docs"),
]

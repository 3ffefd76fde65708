from django.urls import include, path

from tools.bench import floor

urlpatterns = [path("bench/floor/", floor.show), path("bench/bare/", floor.bare), path("", include("crm.urls"))]
handler403 = "crm.core.ui.views.faults.forbidden"
handler404 = "crm.core.ui.views.faults.not_found"
handler500 = "crm.core.ui.views.faults.broken"

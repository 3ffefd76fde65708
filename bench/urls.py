from django.urls import include, path

from bench import floor

urlpatterns = [path("bench/floor/", floor.show), path("", include("crm.urls"))]
handler403 = "crm.core.views.faults.forbidden"
handler404 = "crm.core.views.faults.not_found"
handler500 = "crm.core.views.faults.broken"

from django.urls import path

from reports.views import dashboard, kpi, numbers

app_name = "reports"
urlpatterns = [
    path("reports/", dashboard.show, name="dashboard"),
    path("reports/numbers/", numbers.show, name="numbers"),
    path("reports/attention/", dashboard.list_attention, name="attention"),
    path("reports/<slug:kpi_id>/", kpi.show, name="kpi"),
    path("reports/<slug:kpi_id>/export.csv", kpi.export, name="export"),
]

"""The addresses of this room; `clients/urls.py` takes them."""

from django.urls import path

from clients.invoices.lists import INVOICES
from clients.invoices.views import payments, record, sums

urlpatterns = [
    *INVOICES.urls("invoices/", "invoices"),
    path("invoices/sums/", sums.show, name="invoices-sums"),
    path("invoices/new/", record.create, name="invoice_new"),
    path("clients/<int:client_id>/invoices/new/", record.create, name="invoice_new_for"),
    path("invoices/<int:pk>/", record.show, name="invoice"),
    path("invoices/<int:pk>/edit/", record.edit, name="invoice_edit"),
    path("invoices/<int:pk>/void/", record.void, name="invoice_void"),
    path("invoices/<int:pk>/reinstate/", record.reinstate, name="invoice_reinstate"),
    path("invoices/<int:pk>/archive/", record.archive, name="invoice_archive"),
    path("invoices/<int:pk>/restore/", record.restore, name="invoice_restore"),
    path("invoices/<int:pk>/payments/add/", payments.add, name="payment_new"),
    path("invoices/<int:pk>/payments/<int:payment_id>/remove/", payments.remove, name="payment_remove"),
    path("invoices/<int:pk>/payments/<int:payment_id>/restore/", payments.restore, name="payment_restore"),
]

from django.urls import path

from clients.catalogue import views as catalogue
from clients.contacts import views as contacts
from clients.cover.urls import urlpatterns as cover
from clients.documents import views as documents
from clients.documents.lists import CLIENT_DOCUMENTS, DOCUMENTS
from clients.duplicates.urls import urlpatterns as duplicates
from clients.engagements.urls import urlpatterns as engagements
from clients.groups.urls import urlpatterns as groups
from clients.invoices.urls import urlpatterns as invoices
from clients.listing.finding import offered_clients, offered_contacts
from clients.listing.lists import CLIENTS, CONTACTS, SEGMENT_CLIENTS
from clients.merging.urls import urlpatterns as merging
from clients.opportunities.urls import urlpatterns as opportunities
from clients.page.views import client, editing, history, inline, people, status
from clients.referrals.urls import urlpatterns as referrals
from clients.revenue import firm_views as finance
from clients.revenue import views as revenue
from clients.revenue.firm_lists import CONTRACTS, REVENUE
from clients.revenue.lists import CONTRACTS_WITHOUT_RATE, LINES, LINES_WITHOUT_RATE, RATES
from clients.segments import views as segments
from clients.segments.lists import SEGMENTS
from crm.core.search.options import options_of

app_name = "clients"

urlpatterns = [
    *duplicates,
    *merging,
    *CLIENTS.urls("clients/", "list"),
    path("clients/new/", editing.create, name="create"),
    path("clients/options/", options_of("clients", offered_clients), name="options"),
    path("clients/restricted/", status.restricted, name="restricted"),
    path("clients/<int:client_id>/", client.show, name="client"),
    path("clients/<int:client_id>/strip/", client.strip, name="strip"),
    path("clients/<int:client_id>/panels/<slug:key>/", client.panel, name="panel"),
    path("clients/<int:client_id>/history/", history.show, name="history"),
    path("clients/<int:client_id>/edit/", editing.edit, name="edit"),
    path("clients/<int:client_id>/facts/<slug:name>/", inline.change, name="fact"),
    path("clients/<int:client_id>/archive/", editing.archive, name="archive"),
    path("clients/<int:client_id>/restore/", editing.restore, name="restore"),
    path("clients/<int:client_id>/status/", status.change_status, name="status"),
    path("clients/<int:client_id>/status/<int:period_id>/withdraw/", status.withdraw_status, name="withdraw_status"),
    path("clients/<int:client_id>/access/", status.access, name="access"),
    path("clients/<int:client_id>/access/lift/", status.lift, name="lift_restriction"),
    path("clients/<int:client_id>/access/again/", status.restrict_again, name="restrict_again"),
    path("clients/<int:client_id>/access/<int:access_id>/revoke/", status.revoke, name="revoke_access"),
    path("clients/<int:client_id>/people/", people.people, name="people"),
    path("clients/<int:client_id>/people/add/", people.add, name="add_person"),
    path("clients/<int:client_id>/people/link/", people.link, name="link_person"),
    path("clients/<int:client_id>/people/<int:affiliation_id>/", people.place, name="place"),
    path("clients/<int:client_id>/people/<int:affiliation_id>/leave/", people.leave, name="leave"),
    path("clients/<int:client_id>/people/<int:affiliation_id>/back/", people.come_back, name="come_back"),
    *LINES.urls("clients/<int:client_id>/revenue/", "revenue", show=revenue.show),
    path("clients/<int:client_id>/revenue/add/", revenue.add_line, name="add_line"),
    path("clients/<int:client_id>/revenue/<int:line_id>/", revenue.edit_line, name="edit_line"),
    path("clients/<int:client_id>/revenue/<int:line_id>/delete/", revenue.delete_line, name="delete_line"),
    path("clients/<int:client_id>/revenue/<int:line_id>/undelete/", revenue.undelete_line, name="undelete_line"),
    path("clients/<int:client_id>/contracts/add/", revenue.add_contract, name="add_contract"),
    path("clients/<int:client_id>/contracts/<int:contract_id>/", revenue.edit_contract, name="edit_contract"),
    path("clients/<int:client_id>/contracts/<int:contract_id>/price/", revenue.change_price, name="change_price"),
    *RATES.urls("settings/rates/", "rates"),
    path("settings/rates/add/", revenue.add_rate, name="rate_add"),
    path("settings/rates/<int:rate_id>/", revenue.edit_rate, name="rate"),
    path("settings/rates/<int:rate_id>/delete/", revenue.remove_rate, name="rate_delete"),
    *LINES_WITHOUT_RATE.urls("revenue/without-rate/", "lines_without_rate"),
    *CONTRACTS_WITHOUT_RATE.urls("contracts/without-rate/", "contracts_without_rate"),
    *CONTRACTS.urls("contracts/", "contracts"),
    path("contracts/renewals/", finance.renewals, name="renewals"),
    *REVENUE.urls("revenue/", "revenue_lines"),
    path("revenue/by-month/", finance.by_month, name="revenue_by_month"),
    path("revenue/by-month/export/", finance.export_by_month, name="revenue_by_month_export"),
    path(
        "clients/<int:client_id>/contracts/<int:contract_id>/archive/",
        revenue.archive_contract,
        name="archive_contract",
    ),
    path(
        "clients/<int:client_id>/contracts/<int:contract_id>/restore/",
        revenue.restore_contract,
        name="restore_contract",
    ),
    *CLIENT_DOCUMENTS.urls("clients/<int:client_id>/documents/", "client_documents", show=documents.show_list),
    *DOCUMENTS.urls("documents/", "documents"),
    path("documents/upload/<int:client_id>/", documents.upload, name="document_upload"),
    path("documents/<int:document_id>/", documents.show, name="document"),
    path("documents/<int:document_id>/edit/", documents.edit, name="document_edit"),
    path("documents/<int:document_id>/share/", documents.share, name="document_share"),
    path("documents/<int:document_id>/unshare/", documents.unshare, name="document_unshare"),
    path("documents/<int:document_id>/archive/", documents.archive, name="document_archive"),
    path("documents/<int:document_id>/restore/", documents.restore, name="document_restore"),
    path("documents/<int:document_id>/versions/add/", documents.add_version, name="document_version_add"),
    path("documents/<int:document_id>/versions/<int:number>/file/", documents.download, name="document_file"),
    path("documents/<int:document_id>/versions/<int:number>/preview/", documents.look, name="document_preview"),
    *SEGMENTS.urls("segments/", "segments"),
    path("segments/new/", segments.new, name="segment_new"),
    *SEGMENT_CLIENTS.urls("segments/<int:segment_id>/", "segment", show=segments.show),
    path("segments/<int:segment_id>/edit/", segments.edit, name="segment_edit"),
    path("segments/<int:segment_id>/delete/", segments.delete, name="segment_delete"),
    path("segments/<int:segment_id>/restore/", segments.restore, name="segment_restore"),
    *CONTACTS.urls("contacts/", "contacts"),
    path("contacts/new/", contacts.create, name="create_contact"),
    path("contacts/options/", options_of("contacts", offered_contacts), name="contact_options"),
    path("contacts/<int:contact_id>/", contacts.show, name="contact"),
    path("contacts/<int:contact_id>/edit/", contacts.edit, name="edit_contact"),
    path("contacts/<int:contact_id>/archive/", contacts.archive, name="archive_contact"),
    path("contacts/<int:contact_id>/restore/", contacts.restore, name="restore_contact"),
    path("contacts/<int:contact_id>/consent/", contacts.consent, name="consent"),
    path("contacts/<int:contact_id>/held/<int:held_id>/", contacts.held, name="held_details"),
    *cover,
    *engagements,
    *invoices,
    *groups,
    *opportunities,
    *referrals,
    path("services/", catalogue.service_list, name="services"),
    path("services/new/", catalogue.service_create, name="service_create"),
    path("services/<int:service_id>/", catalogue.service_edit, name="service_edit"),
    path("services/<int:service_id>/archive/", catalogue.service_archive, name="service_archive"),
    path("services/<int:service_id>/restore/", catalogue.service_restore, name="service_restore"),
    path("tags/", catalogue.tag_list, name="tags"),
    path("tags/new/", catalogue.tag_create, name="tag_create"),
    path("tags/<int:tag_id>/", catalogue.tag_edit, name="tag_edit"),
    path("tags/<int:tag_id>/delete/", catalogue.tag_delete, name="tag_delete"),
]

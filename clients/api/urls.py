from clients.api import (
    covers,
    documents,
    engagements,
    feeds,  # noqa: F401  register themselves
    invoices,
    merging,
    opportunities,
    referrals,
    segments,
    views,
)


def register(router) -> None:
    """Add this app's viewsets to the API's router."""
    router.register("clients", views.ClientViewSet, basename="clients")
    router.register("contacts", views.ContactViewSet, basename="contacts")
    router.register("revenue", views.RevenueViewSet, basename="revenue")
    router.register("tags", views.TagViewSet, basename="tags")
    router.register("services", views.ServiceViewSet, basename="services")
    router.register("contracts", views.ContractViewSet, basename="contracts")
    router.register("covers", covers.CoverViewSet, basename="covers")
    router.register("documents", documents.DocumentViewSet, basename="documents")
    router.register("engagements", engagements.EngagementViewSet, basename="engagements")
    router.register("engagement-kinds", engagements.EngagementKindViewSet, basename="engagement-kinds")
    router.register("invoices", invoices.InvoiceViewSet, basename="invoices")
    router.register("opportunities", opportunities.OpportunityViewSet, basename="opportunities")
    router.register("pipelines", opportunities.PipelineViewSet, basename="pipelines")
    router.register("stages", opportunities.StageViewSet, basename="stages")
    router.register("client-merges", merging.ClientMergeViewSet, basename="client-merges")
    router.register("contact-merges", merging.ContactMergeViewSet, basename="contact-merges")
    router.register("referrals", referrals.ReferralViewSet, basename="referrals")
    router.register("segments", segments.SegmentViewSet, basename="segments")

"""The pages about the views and the columns of a list. What the list shows is said by their query, as on the list itself."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.permissions import require
from crm.core.listing import services
from crm.core.listing.filters import query_of
from crm.core.listing.forms import WIDTH, ColumnsForm, OrderForm, StartForm, ViewForm, WidthsForm
from crm.core.listing.listing import Listing
from crm.core.listing.models import SavedView
from crm.core.listing.pages import ListPage, list_pages
from crm.core.listing.permissions import may_change_view
from crm.core.listing.queries import Saved
from crm.core.ui.actions import Conflict, Difference, form_action
from crm.core.ui.formatting import in_sentence
from crm.core.ui.htmx import go, is_fragment, local_path, posted


def _page(request, key: str) -> ListPage:
    page = list_pages.get(key)
    if page is None:
        raise Http404
    require(page.may(request.principal))
    return page


def _listing(request, page: ListPage) -> Listing:
    if not page.has_views:
        raise Http404
    return Listing(page, request.principal, request.GET, timezone.now())


def _view(request, pk: int, *, is_gone: bool = False) -> SavedView:
    rows = SavedView.objects.visible_to(request.principal)
    return get_object_or_404(rows.archived() if is_gone else rows.kept(), pk=pk)


def _list_url(view: SavedView, query: str = "") -> str:
    page = list_pages.get(view.list_key)
    return f"{reverse(page.url_name)}?{query or f'view={view.pk}'}" if page else "/"


def _form(request, form, outcome, **context) -> HttpResponse:
    template = "listing/view_form.html" if is_fragment(request) else "listing/view_page.html"
    context |= {"form": form, "conflict": outcome.conflict, "url": request.get_full_path()}
    return render(request, template, context, status=outcome.status)


@require_http_methods(["GET", "POST"])
def new(request, key):
    """Save what the list shows under a name."""
    listing = _listing(request, _page(request, key))
    form = ViewForm(posted(request))
    outcome = form_action(
        request,
        form,
        lambda: services.create_view(
            request.principal, page=listing.declared, now=listing.now, **listing.saved.said, **form.cleaned_data
        ),
    )
    if outcome.is_done:
        messages.success(request, _("View “%(name)s” saved") % {"name": outcome.result.name})
        return go(request, _list_url(outcome.result))
    said = {"title": _("Save view"), "submit": _("Save view"), "back_url": listing.shown_url}
    return _form(request, form, outcome, lead=listing.title, contents=_contents(listing), **said)


def _contents(listing: Listing) -> list[str]:
    """What is saved, in words."""
    chips = [f"{chip['label']} {chip['value']}" for chip in listing.filters.chips()]
    if label := listing.sort_label:
        chips.append(_("Sorted by %(what)s") % {"what": label})
    if listing.group:
        chips.append(_("Grouped by %(what)s") % {"what": in_sentence(str(listing.group.label))})
    if listing.board:
        chips.append(_("Board by %(what)s") % {"what": in_sentence(str(listing.board.label))})
    if listing.wanted:
        n = len(listing.columns)
        chips.append(ngettext("%(n)d column", "%(n)d columns", n) % {"n": n})
    return chips


def _as_saved(listing: Listing, view: SavedView | Saved) -> Listing:
    """The list as a view of it says."""
    query = query_of({"view": view.pk, "sort": view.sort, "group": view.group, "board": view.board} | view.query)
    return Listing(listing.declared, listing.principal, query, listing.now, own=listing.own)


@require_http_methods(["GET", "POST"])
def edit(request, pk):
    """Rename a view, share it or no longer."""
    view = _view(request, pk)
    require(may_change_view(request.principal, view))
    initial = {"version": view.version, "name": view.name, "is_shared": view.is_shared}
    form = ViewForm(posted(request), initial=initial)
    outcome = form_action(
        request,
        form,
        lambda: services.update_view(
            request.principal, view=view, seen_version=form.seen_version(), **form.cleaned_data
        ),
    )
    if outcome.is_done:
        messages.success(request, _("Saved."))
        return go(request, _list_url(view))
    return _form(request, form, outcome, title=_("Rename or share"), submit=_("Save"), back_url=_list_url(view))


@require_POST
def save(request, pk):
    """Put what the list shows into the view."""
    view = _view(request, pk)
    listing = _listing(request, _page(request, view.list_key))
    form = ViewForm(request.POST)  # for the version that was seen
    try:
        services.save_view(
            request.principal,
            view=view,
            page=listing.declared,
            seen_version=form.seen_version(),
            now=listing.now,
            **listing.saved.said,
        )
    except StaleWrite as error:
        return _clash(request, listing, view, error)
    except ServiceError as error:
        messages.error(request, error.message)
        return redirect(listing.shown_url)
    messages.success(request, _("View “%(name)s” saved") % {"name": view.name})
    return redirect(_list_url(view))


def _clash(request, listing: Listing, view: SavedView, error: StaleWrite) -> HttpResponse:
    """Somebody saved the view meanwhile: both are shown, saving again replaces theirs."""
    now: SavedView = error.current
    theirs = _as_saved(listing, now)
    pairs = [(_("Filters and sort"), " · ".join(_contents(theirs)), " · ".join(_contents(listing)))]
    mine, saved = listing.choosable, theirs.columns_of([key for key, _width in now.columns])[1:]
    pairs.append((_("Columns"), *(", ".join(str(c.label) for c in columns) for columns in (saved, mine))))
    differences = [Difference(str(label), a, b) for label, a, b in pairs if a != b]
    context = {
        "conflict": Conflict(error.who, now.version, differences),
        "view": now,
        "listing": listing,
        "theirs_url": _list_url(view),
    }
    return render(request, "listing/view_clash.html", context, status=409)


@require_POST
def delete(request, pk):
    view = services.delete_view(request.principal, view=_view(request, pk), now=timezone.now())
    undo = f"undo:{reverse('core:list-view-restore', args=[view.pk])}"
    messages.success(request, _("View “%(name)s” deleted") % {"name": view.name}, extra_tags=undo)
    return redirect(local_path(request.POST.get("next", ""), _list_url(view, "view=none")))


@require_POST
def restore(request, pk):
    """Undo of deleting."""
    view = _view(request, pk, is_gone=True)
    try:
        services.restore_view(request.principal, view=view)
    except ServiceError as error:
        messages.error(request, error.message)
        return redirect(_list_url(view, "view=none"))
    return redirect(_list_url(view))


@require_safe
def views(request, key):
    """All views of a list: one's own in their order, those that others share."""
    listing = _listing(request, _page(request, key))
    own = [view for view in listing.own.views if view.owner_id == request.principal.user_id]
    shared = [view for view in listing.own.views if view.owner_id != request.principal.user_id]
    rows = [[_line(listing, view) for view in part] for part in (own, shared)]
    return render(request, "listing/all_views.html", {"listing": listing, "own": rows[0], "shared": rows[1]})


def _line(listing: Listing, view: Saved) -> dict[str, Any]:
    shown = _as_saved(listing, view)
    return {
        "view": view,
        "url": listing.saved.url_of(view),
        "contents": _contents(shown),
        "remark": shown.remark,
        "may_change": may_change_view(listing.principal, view),
        "is_start": listing.own.start_view == view.pk,
    }


@require_POST
def order(request, key):
    """One's own views of a list in another order: by hand (`ids`), or one of them up or down."""
    page = _page(request, key)
    views = {view.pk: view for view in SavedView.objects.filter(owner=request.user, list_key=page.key).kept()}
    form = OrderForm(request.POST, [*views])
    if not form.is_valid():
        return HttpResponse(status=422)
    services.order_views(request.principal, views=[views[pk] for pk in form.order()])
    if is_fragment(request) and not request.POST.get("view"):
        return HttpResponse(status=204)
    return redirect("core:list-views", key)


@require_POST
def start(request, key):
    """What the list opens with from now on."""
    listing, form = _listing(request, _page(request, key)), StartForm(request.GET)
    if not form.is_valid():
        return HttpResponse(status=422)
    pk, query = form.cleaned_data["view"], form.cleaned_data["query"]
    view = _view(request, pk) if pk else None
    services.start_with(request.principal, list_key=key, view=view, query=query)
    said = _("%(list)s opens with this view from now on") if view or query else _("%(list)s opens as you left it")
    messages.success(request, said % {"list": listing.title})
    return redirect(_list_url(view) if view else f"{listing.url}?{query}" if query else listing.plain_url)


@require_http_methods(["GET", "POST"])
def columns(request, key):
    """Choose the columns of a list, their order and widths. Where a saved view is open they are a change of it, in the address;
    else the person's own."""
    page = _page(request, key)
    if not page.has_columns:
        raise Http404
    listing = Listing(page, request.principal, request.GET, timezone.now())
    back = local_path(request.GET.get("next", ""), "/")
    if request.method != "POST":
        return _columns_form(request, listing, [c.key for c in listing.choosable], listing.widths, back)
    form = ColumnsForm(request.POST, page)
    if not form.is_valid():
        typed = {key: request.POST.get(f"{WIDTH}{key}", "") for key in page.offered}  # stays as it is
        return _columns_form(request, listing, form.keys, typed, back, form=form, status=422)
    if form.cleaned_data["move"]:
        return _columns_form(request, listing, form.keys, form.widths, back)
    keys = [] if form.cleaned_data["reset"] else form.keys
    widths = {} if form.cleaned_data["reset"] else form.widths
    if listing.has_views and listing.saved.current:
        services.set_widths(request.principal, page=page, widths=widths)
        return go(request, listing.with_columns(keys))
    usual = keys == [c.key for c in listing.columns_of(None)[1:] if not c.is_fixed]
    services.choose_columns(request.principal, page=page, columns=[] if usual else keys, widths=widths)
    return go(request, back)


def _columns_form(request, listing: Listing, keys, widths, back: str, form=None, status: int = 200) -> HttpResponse:
    offered = listing.declared.offered
    wrong = form.errors if form is not None else {}
    lines = {
        key: {"column": column, "width": widths.get(key), "errors": wrong.get(f"{WIDTH}{key}")}
        for key, column in offered.items()
        if key != listing.columns[0].key and not column.is_fixed
    }
    rest = [line for key, line in lines.items() if key not in keys]
    context = {
        "listing": listing,
        "title_column": listing.columns[0],
        "title_width": widths.get(listing.columns[0].key),
        "shown": [lines[key] for key in keys if key in lines],
        "rest": sorted(rest, key=lambda line: str(line["column"].choice_label or line["column"].label).casefold()),
        "url": request.get_full_path(),
        "back_url": back,
        "is_dialog": is_fragment(request),
    }
    template = "listing/columns_form.html" if is_fragment(request) else "listing/columns.html"
    return render(request, template, context, status=status)


@require_POST
def widths(request, key):
    """The widths that somebody gave the columns by dragging."""
    page = _page(request, key)
    form = WidthsForm(request.POST, page)
    if not page.has_columns or not form.is_valid():
        return HttpResponse(status=422)
    services.set_widths(request.principal, page=page, widths=form.widths)
    return HttpResponse(status=204)

"""Facts of a record that are edited in place on its page. Without JavaScript the same link leads to the full form."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from crm.core.fields.catalogue import Catalogue, Fact
from crm.core.fields.custom.entries import load_custom
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import is_fragment, posted


@dataclass(frozen=True)
class InlineFacts:
    """`address` is the name of the URL of a fact (number, name), `form_address` that of the full form. `load(request, pk)` is the record,
    of one that may change it; `form(request, row, data)` the full form, with the firm's own fields; `save(principal, row, values, version)`
    the service. `beside(request, row)`: what `template` shows besides the fact once it is saved. `page(row)`: the address of its page."""

    catalogue: Catalogue
    address: str
    form_address: str
    load: Callable[[Any, int], Any]
    form: Callable[[Any, Any, Any], Any]
    save: Callable[[Any, Any, dict[str, Any], int | None], Any]
    beside: Callable[[Any, Any], dict[str, Any]] = lambda request, row: {}
    template: str = "components/fact.html"
    page: Callable[[Any], str] = lambda row: row.get_absolute_url()

    def context(self, row: Any, *, may_edit: bool) -> dict[str, Any]:
        """What a page needs to show facts with `components/facts.html`."""
        told = {"fact_address": self.address, "form_address": self.form_address, "page_url": self.page(row)}
        return {"record": row, "may_edit": may_edit} | told

    def answer(self, request: Any, pk: int, name: str) -> Any:
        """GET: the fact's field (with `as=value`: its value again, for Cancel). POST: saves it, or says why not."""
        row = self.load(request, pk)
        if name not in self.catalogue.inline:
            raise Http404
        if request.method == "GET" and not is_fragment(request):
            return redirect(reverse(self.form_address, args=[pk]))
        if request.method == "GET" and request.GET.get("as") == "value":
            return self._show(request, row, name, is_cancelled=True)
        form = self.form(request, row, posted(request))
        if name not in form.fields:  # it names a row out of sight
            raise Http404
        form.fields = {name: form.fields[name]}
        version = row.version
        if request.method == "POST":
            version = form.seen_version()
            outcome = form_action(request, form, lambda: self._save(request, row, form, version))
            if outcome.is_done and not is_fragment(request):
                return redirect(self.page(row))
            if outcome.is_done:
                row = self.load(request, pk)
                return self._show(request, row, name, is_saved=True, **self.beside(request, row))
            if outcome.conflict:
                version = outcome.conflict.version
                form.add_error(name, _("Someone else changed this. Save again to keep your change."))
            return self._show(request, row, name, status=outcome.status, form=form, bound=form[name], version=version)
        return self._show(request, row, name, form=form, bound=form[name], version=version)

    def _save(self, request: Any, row: Any, form: Any, version: int | None) -> Any:
        values = {name: form.cleaned_data[name] for name in form.fields}
        return self.save(request.principal, row, values, version)

    def _show(self, request: Any, row: Any, name: str, *, status: int = 200, **told: Any) -> Any:
        if name in self.catalogue.custom:
            load_custom(request.principal, self.catalogue, [row])
        context = self.context(row, may_edit=True) | {"fact": Fact.of(self.catalogue[name], row), **told}
        return render(request, self.template, context, status=status)

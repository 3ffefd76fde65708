"""The rows of an archive: all of a table for an operator, or those that a colleague may see."""

from collections.abc import Iterable
from typing import Any

from django.core.checks import Error
from django.core.checks import register as system_check
from django.db.models import Case, F, ForeignKey, Model, Q, QuerySet, When

from crm.core.archive.tables import Table, everything, sights
from crm.core.base.principals import SYSTEM, Principal
from crm.core.files.models import StoredFile
from crm.core.importing.parts import parts

NUMBER = "object_id"  # names a row of the model that the row's `kind` says


class Rows:
    """`of(table)` are the rows of one archive. Files are there as far as a row names them.

    For the system that is every row. For a colleague it is what `visible_to` or `narrow` says, and of other tables the rows whose keys
    lead to visible rows alone; of a key within one table (a client's parent) only the key goes.
    """

    def __init__(self, principal: Principal):
        self.principal = principal
        self.tables = [each for each in everything() if principal.is_system or not (each.is_personal or _is_past(each))]
        self._of: dict[type[Model], QuerySet] = {}
        self._narrow: dict[type[Model], bool] = {}
        self._by_model = {each.model: each for each in self.tables}

    def of(self, table: Table) -> QuerySet:
        if table.model not in self._of:
            self._of[table.model] = self._rows(table)
        return self._of[table.model]

    def values(self, table: Table) -> QuerySet:
        """Its columns, in the order of `table.columns`, sorted by the key."""
        rows = self.of(table).order_by(table.model._meta.pk.attname)  # type: ignore[union-attr]
        blanked = {each.attname: self._blanked(table, each) for each in table.fields if self._is_blanked(table, each)}
        if not blanked:
            return rows.values_list(*(each.attname for each in table.fields))
        rows = rows.annotate(**{f"blanked_{name}": value for name, value in blanked.items()})
        return rows.values_list(
            *(f"blanked_{each.attname}" if each.attname in blanked else each.attname for each in table.fields)
        )

    def _rows(self, table: Table) -> QuerySet:
        rows = table.model._base_manager.all()
        if table.rows is not None:
            rows = rows.filter(table.rows)
        if table.model is StoredFile:
            return rows.filter(self._named_by_rows())
        if self.principal.is_system:
            return rows
        if hasattr(table.model._default_manager, "visible_to"):
            seen = table.model._default_manager.visible_to(self.principal)
            rows = rows.filter(pk__in=seen.order_by().values("pk"))
        if (said := _narrowed(table.model)) is not None:
            rows = rows.filter(said)
        for key in _keys(table):
            if key.related_model is not table.model and self._is_narrow(key.related_model):
                found = self.of(self._by_model[key.related_model]).order_by().values("pk")
                rows = rows.filter(Q(**{f"{key.attname}__isnull": True}) | Q(**{f"{key.attname}__in": found}))
        if any(each.attname == NUMBER for each in table.fields):
            rows = rows.filter(self._numbered())
        return rows

    def _named_by_rows(self) -> Q:
        named = Q(pk__in=[])
        for table in self.tables:
            for key in _keys(table):
                if key.related_model is StoredFile:
                    rows = self.of(table).filter(**{f"{key.attname}__isnull": False})
                    named |= Q(pk__in=rows.order_by().values(key.attname))
        return named

    def _numbered(self) -> Q:
        """The ids of other systems, of the records that are here."""
        named = Q(pk__in=[])
        for part in parts:
            if part.column == NUMBER and part.owner in self._by_model:
                rows = self.of(self._by_model[part.owner]).order_by().values("pk")
                named |= Q(**part.where, **{f"{NUMBER}__in": rows})
        return named

    def _is_narrow(self, model: type[Model], path: tuple[type[Model], ...] = ()) -> bool:
        """Whether a colleague may see fewer rows than there are."""
        table = self._by_model.get(model)
        if table is None or model in path or model is StoredFile:
            return False
        if model not in self._narrow:
            self._narrow[model] = hasattr(model._default_manager, "visible_to") or any(
                self._is_narrow(key.related_model, (*path, model)) for key in _keys(table)
            )
        return self._narrow[model]

    def narrowed_by_nothing(self) -> list[Table]:
        """The tables of which a colleague has every row."""
        mine = (each for each in self.tables if not (each.is_personal or _is_past(each) or each.model is StoredFile))
        return [
            each
            for each in mine
            if not self._is_narrow(each.model)
            and _narrowed(each.model) is None
            and not any(field.attname == NUMBER for field in each.fields)
        ]

    def _is_blanked(self, table: Table, field: Any) -> bool:
        is_own = isinstance(field, ForeignKey) and field.related_model is table.model
        return is_own and not self.principal.is_system and self._is_narrow(table.model)

    def _blanked(self, table: Table, field: Any) -> Case:
        here = Q(**{f"{field.attname}__in": self.of(table).order_by().values("pk")})
        return Case(When(here, then=F(field.attname)))


def _keys(table: Table) -> Iterable[Any]:
    return (each for each in table.fields if isinstance(each, ForeignKey))


def _is_past(table: Table) -> bool:
    return table.is_history or table.name == "pghistory_context"


def _narrowed(model: type[Model]) -> Q | None:
    key = model._meta.label
    return sights[key].rows if key in sights else None


@system_check("archive")
def every_open_table_is_spoken_of(app_configs, **kwargs) -> list[Error]:
    """That every colleague may have all rows of a table is said, with the reason; and of no other table."""
    open_ones = {each.key for each in Rows(SYSTEM).narrowed_by_nothing()}
    said = {each.key for each in sights if each.rows is None}
    return [
        *(
            Error(
                f"Of {key} an archive of what one colleague may see has every row: narrow it, or say why.",
                id="core.E014",
            )
            for key in sorted(open_ones - said)
        ),
        *(
            Error(f"{key} is called open to all, but is narrowed or not in the archive.", id="core.E014")
            for key in sorted(said - open_ones)
        ),
    ]

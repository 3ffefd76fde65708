"""Notices about rows: given once by key to everyone who is to know, and closed when what they say is over."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from crm.core.notifications.models import Notification

AT_ONCE = 500


@dataclass(frozen=True)
class Reader:
    """A colleague who is told. `remark` is added to the text, as “for Marta Kallio” for who covers for her."""

    user_id: int
    remark: str = ""


@dataclass(frozen=True)
class RowNotice:
    """A notice about rows of a model that belong to a client. Its key, which is unique, is the memory of what was told:
    `prefix:id`, then the values of `by`, then that of `each`.

    `readers(row)`: whom it is for. The first one's key is that of the row; the others have their id behind it.
    `prefix`: the first word of the key, the kind if empty. It is in stored rows and never changes.
    `by`: columns whose new value makes it another notice, such as a due date.
    `each`: the column of the first reader, if somebody who takes their place is told too.
    `still(ids)`: those of the rows of which it is still true. Without it `close` closes whatever it is given.
    """

    kind: str
    readers: Callable[[Any], Sequence[Reader]]
    prefix: str = ""
    by: tuple[str, ...] = ()
    each: str = ""
    still: Callable[[Iterable[int]], Iterable[Any]] | None = None

    def untold(self, rows: QuerySet) -> QuerySet:
        """Those about which nobody was told."""
        parts: list[Any] = [Value(self._first), Value(":"), Cast("pk", CharField())]
        for column in (*self.by, *filter(None, [self.each])):
            parts += [Value(":"), Cast(column, CharField())]
        told = Notification.objects.filter(key=OuterRef("notice_key"))
        return rows.alias(notice_key=Concat(*parts, output_field=CharField())).exclude(Exists(told))

    def tell(self, rows: Iterable[Any], text: Callable[[Any], str]) -> int:
        """Tell the readers of these rows, each once. Returns how many rows there were."""
        rows = list(rows)
        found = [notice for row in rows for notice in self._notices(row, text(row))]
        Notification.objects.bulk_create(found, ignore_conflicts=True, batch_size=AT_ONCE)
        return len(rows)

    def close(self, ids: Iterable[int]) -> None:
        """Close those about these rows that are not true any more."""
        of_these = [Q(key=self._of(pk)) | Q(key__startswith=f"{self._of(pk)}:") for pk in set(ids)]
        if of_these:
            self._close(Notification.objects.filter(Q(*of_these, _connector=Q.OR)))

    def close_settled(self) -> None:
        """Close all that are not true any more."""
        self._close(Notification.objects.filter(kind=self.kind, key__startswith=f"{self._first}:"))

    def reopen(self, pk: int) -> None:
        """Those about this row are unread again, if they are true: what had closed them was taken back."""
        for row in self.still([pk]) if self.still else ():
            key = self._key(row)
            Notification.objects.filter(Q(key=key) | Q(key__startswith=f"{key}:")).update(read_at=None)

    def _notices(self, row: Any, text: str) -> Iterable[Notification]:
        for number, reader in enumerate(self.readers(row)):
            is_own = number == 0 and not self.each
            yield Notification(
                user_id=reader.user_id,
                client_id=row.client_id,
                kind=self.kind,
                key=self._key(row) if is_own else f"{self._key(row)}:{reader.user_id}",
                text=" · ".join(filter(None, [text, reader.remark]))[:300],
                url=row.get_absolute_url(),
            )

    def _close(self, notices: QuerySet[Notification]) -> None:
        unread = list(notices.filter(read_at=None).values_list("key", flat=True))
        if not unread:
            return
        ids = {int(key.split(":")[1]) for key in unread}
        true = {self._key(row) for row in self.still(ids)} if self.still else set()
        over = [key for key in unread if self._about(key) not in true]
        Notification.objects.filter(key__in=over, read_at=None).update(read_at=timezone.now())

    @property
    def _first(self) -> str:
        return self.prefix or self.kind

    def _of(self, pk: int) -> str:
        return f"{self._first}:{pk}"

    def _key(self, row: Any) -> str:
        """The part of the key that is the same for all readers."""
        return ":".join([self._of(row.pk), *(str(getattr(row, column)) for column in self.by)])

    def _about(self, key: str) -> str:
        return ":".join(key.split(":")[: 2 + len(self.by)])

"""What a rule may say."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Match(models.TextChoices):
    ALL = "all", _("All of these")
    ANY = "any", _("Any of these")
    NONE = "none", _("None of these")


class Kind(models.TextChoices):
    """Of a criterion: which operators it has, and how its values are entered."""

    TEXT = "text", _("text")
    CHOICE = "choice", _("choice")
    ROW = "row", _("linked row")
    PERSON = "person", _("colleague")
    NUMBER = "number", _("number")
    DAY = "day", _("date")
    YES_NO = "yes_no", _("yes or no")


class Operator(models.TextChoices):
    IS = "is", _("is")
    IS_NOT = "is_not", _("is not")
    HAS_ALL = "has_all", _("has all of")
    CONTAINS = "contains", _("contains")
    CONTAINS_NOT = "contains_not", _("does not contain")
    STARTS_WITH = "starts_with", _("starts with")
    MORE = "more", _("is more than")
    AT_LEAST = "at_least", _("is at least")
    LESS = "less", _("is less than")
    AT_MOST = "at_most", _("is at most")
    BETWEEN = "between", _("is between")
    ON = "on", _("is on")
    BEFORE = "before", _("is before")
    AFTER = "after", _("is after")
    FROM_TO = "from_to", _("is from … to")
    IN_LAST = "in_last", _("is in the last … days")
    NOT_IN_LAST = "not_in_last", _("is not in the last … days")
    IN_NEXT = "in_next", _("is in the next … days")
    THIS_MONTH = "this_month", _("is this month")
    LAST_MONTH = "last_month", _("is last month")
    THIS_YEAR = "this_year", _("is this year")
    YES = "yes", _("is yes")
    NO = "no", _("is no")
    EMPTY = "empty", _("is empty")
    GIVEN = "given", _("is not empty")


ME = "me"  # a value: the reader of the rule
O = Operator  # noqa: E741  short, for the tables below

OPERATORS: dict[str, tuple[Operator, ...]] = {
    Kind.TEXT: (O.IS, O.IS_NOT, O.CONTAINS, O.CONTAINS_NOT, O.STARTS_WITH),
    Kind.CHOICE: (O.IS, O.IS_NOT),
    Kind.ROW: (O.IS, O.IS_NOT),
    Kind.PERSON: (O.IS, O.IS_NOT),
    Kind.NUMBER: (O.MORE, O.AT_LEAST, O.LESS, O.AT_MOST, O.BETWEEN, O.IS, O.IS_NOT),
    Kind.DAY: (
        O.IN_LAST,
        O.NOT_IN_LAST,
        O.IN_NEXT,
        O.BEFORE,
        O.AFTER,
        O.ON,
        O.FROM_TO,
        O.THIS_MONTH,
        O.LAST_MONTH,
        O.THIS_YEAR,
    ),
    Kind.YES_NO: (O.YES, O.NO),
}
IF_EMPTY = (O.EMPTY, O.GIVEN)  # also of those that may be without a value
WITHOUT_VALUES = {O.EMPTY, O.GIVEN, O.YES, O.NO, O.THIS_MONTH, O.LAST_MONTH, O.THIS_YEAR}
WITH_TWO = {O.BETWEEN, O.FROM_TO}
WITH_SEVERAL = {O.IS, O.IS_NOT, O.HAS_ALL}
NEGATIVE = {O.IS_NOT, O.CONTAINS_NOT, O.NOT_IN_LAST, O.EMPTY}
WITH_DAYS = {O.IN_LAST, O.NOT_IN_LAST, O.IN_NEXT}

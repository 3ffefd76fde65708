"""The bands of an answer to the NPS question, 0 to 10 (Bain): the one place that defines their limits."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

PROMOTERS, PASSIVES, DETRACTORS = "promoters", "passives", "detractors"
BANDS = {PROMOTERS: (9, 10), PASSIVES: (7, 8), DETRACTORS: (0, 6)}  # lowest and highest score
NAMES = {PROMOTERS: _("Promoter"), PASSIVES: _("Passive"), DETRACTORS: _("Detractor")}
LABELS = {PROMOTERS: _("Promoters (9–10)"), PASSIVES: _("Passives (7–8)"), DETRACTORS: _("Detractors (0–6)")}
TONES = {PROMOTERS: "green", PASSIVES: "", DETRACTORS: "red"}


def band_of(score: int) -> str:
    return next(band for band, (low, _high) in BANDS.items() if score >= low)


def in_band(band: str) -> Q:
    """Rows whose `score` is in the band."""
    return Q(score__range=BANDS[band])


def band_sql(band: str) -> str:
    """The same as an SQL condition on the column `score`."""
    return "score BETWEEN {} AND {}".format(*BANDS[band])

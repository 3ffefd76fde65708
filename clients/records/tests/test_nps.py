from clients.records.nps import BANDS, DETRACTORS, LABELS, NAMES, PASSIVES, PROMOTERS, TONES, band_of, band_sql


def test_every_score_is_in_one_band():
    found = [band_of(score) for score in range(11)]
    assert found == [DETRACTORS] * 7 + [PASSIVES] * 2 + [PROMOTERS] * 2
    for score, band in enumerate(found):
        assert [name for name, (low, high) in BANDS.items() if low <= score <= high] == [band]


def test_every_band_has_its_words():
    assert list(BANDS) == list(NAMES) == list(LABELS) == list(TONES)
    assert band_sql(PASSIVES) == "score BETWEEN 7 AND 8"

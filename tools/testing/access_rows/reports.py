from tools.testing.access import MANAGERS, Row

ROWS: list[Row] = [
    Row("reports:dashboard", get=MANAGERS),
    Row("reports:numbers", get=MANAGERS),
    Row("reports:attention", get=MANAGERS),
    Row("reports:kpi", get=MANAGERS, also={"kpi_id": "retention"}),
    Row("reports:export", get=MANAGERS, also={"kpi_id": "retention"}),
]
ROWS += [
    Row("api:reports-detail", get=MANAGERS, also={"kpi_id": "retention"}),
    Row("api:reports-members", get=MANAGERS, also={"kpi_id": "nps"}),
]

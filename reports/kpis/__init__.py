"""The registry of KPIs. Each holds its definition, which the KPI page shows."""

from reports.kpis.active import ActiveClients
from reports.kpis.arpa import ArpaRealised, ArpaRecurring
from reports.kpis.base import Kpi, KpiAnswer
from reports.kpis.nps import Nps
from reports.kpis.onboarding import OnTimeShare
from reports.kpis.retention import LogoChurn, Retention

__all__ = ["KPIS", "Kpi", "KpiAnswer", "find"]

KPIS: dict[str, Kpi] = {
    kpi.id: kpi
    for kpi in (Retention(), LogoChurn(), Nps(), ArpaRealised(), ArpaRecurring(), OnTimeShare(), ActiveClients())
}


def find(kpi_id: str) -> Kpi | None:
    return KPIS.get(kpi_id)

"""People and rows the tests start from. The factories are imported in the fixtures: conftest is read before Django is up."""

import pytest


@pytest.fixture
def make():
    from tools.testing.factories import onboarding

    return onboarding


@pytest.fixture
def firm(db, make):
    return make.make_firm()


@pytest.fixture
def admin(firm, make):
    return make.make_admin()


@pytest.fixture
def marta(firm, make):
    """An account manager."""
    return make.make_user()


@pytest.fixture
def northwind(marta, make):
    return make.make_client(owner=marta)


@pytest.fixture
def payroll(admin, make):
    """A published version."""
    return make.make_version(admin=admin)


@pytest.fixture
def plan(northwind, payroll, make):
    """Running since Monday 7 December 2026."""
    return make.make_plan(client=northwind, version=payroll)

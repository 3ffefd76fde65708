import importlib

import pytest


def factories():
    """Loaded late: this file is read before Django is set up."""
    return importlib.import_module("tools.testing.factories.clients")


@pytest.fixture
def firm(db):
    return factories().make_firm(time_zone="Europe/Helsinki")


@pytest.fixture
def marta(firm):
    """An account manager."""
    return factories().make_user(name="Marta Kallio")


@pytest.fixture
def otto(firm):
    """Another account manager."""
    return factories().make_user(name="Otto Berg")


@pytest.fixture
def sini(firm):
    """A manager."""
    return factories().make_user(name="Sini Ranta", roles=("manager",))


@pytest.fixture
def aino(firm):
    """An admin."""
    return factories().make_user(name="Aino Admin", roles=("admin",))


@pytest.fixture
def ines(db):
    """A manager with clients of her own, in a firm on UTC."""
    factories().make_firm()
    return factories().make_user(name="Ines Vaara", roles=["manager", "account_manager"])

import pytest


def make(*args, **fields):
    from tools.testing.factories import core as factories  # models can be imported once the apps are loaded

    return factories.make_person(*args, **fields)


@pytest.fixture
def firm(db):
    from tools.testing.factories import core as factories

    return factories.make_firm()


@pytest.fixture
def ines(firm):
    """An admin."""
    return make(name="Ines Vaara", roles=["admin"])


@pytest.fixture
def marta(firm):
    """An account manager."""
    return make(name="Marta Kesti")


@pytest.fixture
def oskar(firm):
    """A manager."""
    return make(name="Oskar Lind", roles=["manager"])

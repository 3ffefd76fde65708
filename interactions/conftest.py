import pytest


@pytest.fixture
def factories(db):
    from tools.testing.factories import interactions as factories

    return factories


@pytest.fixture
def firm(factories):
    return factories.make_firm()


@pytest.fixture
def marta(factories, firm):
    """The account manager whose client it is."""
    return factories.make_user(name="Marta Kallio")


@pytest.fixture
def otto(factories, firm):
    """Another account manager."""
    return factories.make_user(name="Otto Berg")


@pytest.fixture
def manager(factories, firm):
    return factories.make_user(name="Minna Manager", roles=("manager",))


@pytest.fixture
def northwind(factories, marta):
    return factories.make_client(owner=marta, tier="A")


@pytest.fixture
def elina(factories, northwind):
    """The main contact of Northwind."""
    return factories.make_contact(client=northwind, is_primary=True)

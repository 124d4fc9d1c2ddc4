"""What the tests of shared vaults ask for: a database, a pooler before it, and a team."""

import pytest

from rotating_server import RotatingServer
from shared_database import PgBouncer, SharedDatabase
from shared_team import Team


@pytest.fixture(scope="session")
def database():
    made = SharedDatabase()
    yield made
    made.close()


@pytest.fixture(scope="session")
def pooler(database):
    made = PgBouncer(database)
    yield made
    made.close()


@pytest.fixture
def strict():
    made = RotatingServer("strict")
    yield made
    made.close()


@pytest.fixture
def team(database, strict):
    made = Team(database, strict)
    yield made
    made.close()


@pytest.fixture
def alone(strict):
    """A team with a database of its own, which can be stopped, put back, or given another clock."""
    database = SharedDatabase()
    made = Team(database, strict)
    yield made
    made.close()
    database.close()


@pytest.fixture
def pooled(database, pooler, strict):
    """A team that reaches the database through a pooler with five connections."""
    made = Team(database, strict, pooler.port)
    yield made
    made.close()

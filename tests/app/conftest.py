"""The world that the tests of rights and of leaks ask."""

import pytest

from app.accounts.records import NOBODY, Viewer
from tests.app.world import ACCOUNTS, NOBODIES, Persona, World, give_links, share
from tests.conftest import CaughtUp, Client
from tests.factories import Gallery


@pytest.fixture
async def world(client: Client, gallery: Gallery, caught_up: CaughtUp) -> World:
    people: dict[Persona, Viewer] = dict.fromkeys(NOBODIES, NOBODY)
    for name in ACCOUNTS:
        people[name] = await gallery.person(name, admin=name == "admin")
    await gallery.person("bystander")
    shared = await gallery.collection(people["owner"], "Shared")
    await share(gallery, shared, people)
    image_ids = await gallery.pictures(people["owner"], shared, range(3))
    await gallery.embed()
    await caught_up()
    world = World(client, gallery, people, shared, image_ids[0])
    await give_links(world)
    return world

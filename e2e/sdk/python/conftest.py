"""Every test that asks for `sdk` runs over http and https, with the sync and the async half, as consumer and as B2B."""

import asyncio
import os
from concurrent.futures import Future

import pytest
from surroundings import NEEDED, Awaited, Server, unique


def pytest_configure():
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        raise pytest.UsageError(f"the suite needs these environment variables: {', '.join(missing)}")


@pytest.fixture(params=["http", "https"])
def server(request):
    return Server.main(request.param)


@pytest.fixture(params=["sync", "async"])
def style(request):
    return request.param


@pytest.fixture(params=["consumer", "b2b"])
def vertical(request):
    return request.param


@pytest.fixture
def opened(style):
    """Opens an SDK client in the style of this test, and closes it afterwards."""
    with asyncio.Runner() as runner:
        clients = []

        def open_client(server, vertical="consumer", **instead):
            client = server.sdk(vertical, **instead)
            clients.append(client)
            return client if style == "sync" else Awaited(client, runner)

        yield open_client
        for client in clients:
            runner.run(client.close())


@pytest.fixture
def sdk(opened, server, vertical):
    return opened(server, vertical)


@pytest.fixture
def make(sdk):
    """Creates a client of the given fields; the answer holds its secret."""
    return lambda **fields: sdk.m2m.clients.create(**{"scopes": [], **fields}).m2m_client


@pytest.fixture(scope="session", autouse=True)
def dying_token():
    """A token of the short server, got before all else, so that it dies while the other tests run.

    A future, so that a failure belongs to the test that asks for the token and not to all of them.
    """
    future = Future()
    try:
        sdk = Server.short().sdk()
        client = sdk.m2m.clients.create(scopes=["read:users"], client_name=unique("dying")).m2m_client
        token = sdk.m2m.token(client_id=client.client_id, client_secret=client.client_secret)
        assert sdk.m2m.authenticate_token(token.access_token).client_id == client.client_id
        future.set_result((sdk, token))
    except Exception as failure:
        future.set_exception(failure)
    return future

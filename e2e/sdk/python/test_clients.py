"""The life of a client, from create to delete, through the official SDK."""

import re
import secrets

import pytest
from surroundings import REQUEST_ID, UUID, api_refuses, oauth_refuses, unique


def plain(client):
    """The fields every answer about a client shares, without the secret that only one answer holds."""
    return client.model_dump(exclude={"client_secret", "next_client_secret"})


def token_of(sdk, client, secret=None, **more):
    return sdk.m2m.token(client_id=client.client_id, client_secret=secret or client.client_secret, **more)


def test_whoami(sdk, server):
    answer = sdk.debug.whoami()
    assert (answer.status_code, answer.project_id) == (200, server.project_id)
    assert answer.name and REQUEST_ID.fullmatch(answer.request_id)


@pytest.mark.parametrize("wrong, shape", [("secret", "secret"), ("project_id", "project")])
def test_wrong_project_credentials(opened, server, vertical, wrong, shape):
    stranger = opened(server, vertical, **{wrong: unique(f"{shape}-{server.env}")})
    with api_refuses(401, "unauthorized_credentials"):
        stranger.debug.whoami()
    with api_refuses(401, "unauthorized_credentials"):
        stranger.m2m.clients.create(scopes=[])


def test_create_with_every_field(sdk):
    fields = {
        "client_id": unique("imported"),
        "client_name": unique("Überbringer"),
        "client_description": 'brings "parcels" \N{PACKAGE} home',
        "scopes": ["read:users", "write:*", "admin"],
        "trusted_metadata": {"org_id": "o-1", "limits": {"rate": 2.5, "tags": ["a", None, True]}},
    }
    secret = secrets.token_urlsafe(30)
    answer = sdk.m2m.clients.create(**fields, client_secret=secret)
    assert answer.status_code == 200 and REQUEST_ID.fullmatch(answer.request_id)
    assert answer.m2m_client.client_secret == secret
    assert plain(answer.m2m_client) == {
        **fields,
        "status": "active",
        "client_secret_last_four": secret[-4:],
        "next_client_secret_last_four": None,
    }
    got = sdk.m2m.clients.get(client_id=fields["client_id"])
    assert got.status_code == 200 and REQUEST_ID.fullmatch(got.request_id)
    assert got.m2m_client.model_dump() == plain(answer.m2m_client)
    assert token_of(sdk, answer.m2m_client).status_code == 200


def test_create_with_nothing(make, server):
    client = make()
    assert re.fullmatch(f"m2m-client-{server.env}-{UUID}", client.client_id)
    assert re.fullmatch("csk_[0-9A-Za-z]{49}", client.client_secret)
    assert plain(client) == {
        "client_id": client.client_id,
        "client_name": "",
        "client_description": "",
        "status": "active",
        "scopes": [],
        "client_secret_last_four": client.client_secret[-4:],
        "trusted_metadata": {},
        "next_client_secret_last_four": None,
    }


def test_create_with_a_used_id(make):
    client = make(client_id=unique("taken"))
    with api_refuses(400, "duplicate_m2m_client_id"):
        make(client_id=client.client_id)


def test_create_with_a_weak_secret(make):
    with api_refuses(400, "insecure_m2m_client_secret"):
        make(client_secret="password1")


def test_get_of_an_unknown_client(sdk):
    with api_refuses(404, "m2m_client_not_found"):
        sdk.m2m.clients.get(client_id=unique("nobody"))


@pytest.mark.parametrize(
    "change",
    [
        {"client_name": "renamed"},
        {"client_description": "described anew"},
        {"client_name": ""},
        {"scopes": ["write:users", "read:users"]},
        {"scopes": []},
        {"status": "inactive"},
        {"trusted_metadata": {"plan": "free"}},
    ],
    ids=str,
)
def test_update_changes_one_field_only(sdk, make, change):
    client = make(
        client_name="before",
        client_description="as created",
        scopes=["read:users"],
        trusted_metadata={"plan": "paid"},
    )
    answer = sdk.m2m.clients.update(client_id=client.client_id, **change)
    assert answer.status_code == 200 and REQUEST_ID.fullmatch(answer.request_id)
    assert answer.m2m_client.model_dump() == {**plain(client), **change}
    assert sdk.m2m.clients.get(client_id=client.client_id).m2m_client == answer.m2m_client


def test_metadata_merges_at_the_top_level_only(sdk, make):
    client = make(trusted_metadata={"kept": 1, "gone": 2, "nested": {"a": 1, "b": 2}})
    update = {"gone": None, "nested": {"c": None}, "new": [1]}
    answer = sdk.m2m.clients.update(client_id=client.client_id, trusted_metadata=update)
    assert answer.m2m_client.trusted_metadata == {"kept": 1, "nested": {"c": None}, "new": [1]}


def test_update_of_an_unknown_client(sdk):
    with api_refuses(404, "m2m_client_not_found"):
        sdk.m2m.clients.update(client_id=unique("nobody"), client_name="anyone")


def test_an_inactive_client_gets_no_token(sdk, make):
    client = make(scopes=["read:users"])
    issued = token_of(sdk, client).access_token
    sdk.m2m.clients.update(client_id=client.client_id, status="inactive")
    with oauth_refuses("invalid_client"):
        token_of(sdk, client)
    # A token is checked offline: it outlives the change, as the API says.
    assert sdk.m2m.authenticate_token(access_token=issued).client_id == client.client_id
    sdk.m2m.clients.update(client_id=client.client_id, status="active")
    assert token_of(sdk, client).status_code == 200


def test_delete(sdk, make):
    client = make()
    answer = sdk.m2m.clients.delete(client_id=client.client_id)
    assert (answer.status_code, answer.client_id) == (200, client.client_id)
    assert REQUEST_ID.fullmatch(answer.request_id)
    with api_refuses(404, "m2m_client_not_found"):
        sdk.m2m.clients.get(client_id=client.client_id)
    with api_refuses(404, "m2m_client_not_found"):
        sdk.m2m.clients.delete(client_id=client.client_id)
    with oauth_refuses("invalid_client"):
        token_of(sdk, client)


def test_rotation(sdk, make):
    client = make()
    rotation = sdk.m2m.clients.secrets

    started = rotation.rotate_start(client_id=client.client_id)
    assert started.status_code == 200 and REQUEST_ID.fullmatch(started.request_id)
    second = started.m2m_client.next_client_secret
    assert second != client.client_secret
    assert plain(started.m2m_client) == {**plain(client), "next_client_secret_last_four": second[-4:]}
    assert sdk.m2m.clients.get(client_id=client.client_id).m2m_client.model_dump() == plain(started.m2m_client)
    for secret in (client.client_secret, second):
        assert token_of(sdk, client, secret).status_code == 200
    with api_refuses(400, "m2m_client_already_rotating_secret"):
        rotation.rotate_start(client_id=client.client_id)

    completed = rotation.rotate(client_id=client.client_id)
    assert completed.status_code == 200
    assert completed.m2m_client.model_dump() == {**plain(client), "client_secret_last_four": second[-4:]}
    assert token_of(sdk, client, second).status_code == 200
    with oauth_refuses("invalid_client"):
        token_of(sdk, client)

    third = rotation.rotate_start(client_id=client.client_id).m2m_client.next_client_secret
    assert token_of(sdk, client, third).status_code == 200
    cancelled = rotation.rotate_cancel(client_id=client.client_id)
    assert cancelled.status_code == 200
    assert cancelled.m2m_client == completed.m2m_client
    assert token_of(sdk, client, second).status_code == 200
    with oauth_refuses("invalid_client"):
        token_of(sdk, client, third)


@pytest.mark.parametrize("move", ["rotate", "rotate_cancel"])
def test_a_rotation_that_was_not_started(sdk, make, move):
    client = make()
    with api_refuses(400, "m2m_client_not_rotating_secret"):
        getattr(sdk.m2m.clients.secrets, move)(client_id=client.client_id)


@pytest.mark.parametrize("move", ["rotate_start", "rotate", "rotate_cancel"])
def test_rotation_of_an_unknown_client(sdk, move):
    with api_refuses(404, "m2m_client_not_found"):
        getattr(sdk.m2m.clients.secrets, move)(client_id=unique("nobody"))

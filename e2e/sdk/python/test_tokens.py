"""Tokens: what the endpoint grants and refuses, and what the SDK's offline check makes of them."""

import base64
import hashlib
import re

import jwt
import pytest
from cryptography import x509
from stytch.consumer.api.m2m import M2M
from surroundings import REQUEST_ID, UUID, Server, oauth_refuses, unique

HELD = ["read:users", "write:*", "admin"]


@pytest.fixture
def client(make):
    return make(scopes=HELD)


@pytest.fixture
def grant(sdk, client):
    """Asks for a token of `client` in the given scopes."""
    return lambda scopes=None: sdk.m2m.token(
        client_id=client.client_id, client_secret=client.client_secret, scopes=scopes
    )


def test_a_token_of_all_scopes(sdk, client, grant):
    answer = grant()
    assert (answer.status_code, answer.token_type, answer.expires_in) == (200, "bearer", 3600)
    assert REQUEST_ID.fullmatch(answer.request_id)
    claims = sdk.m2m.authenticate_token(access_token=answer.access_token)
    assert claims.model_dump() == {"client_id": client.client_id, "scopes": HELD, "custom_claims": {}}


def test_a_token_of_some_scopes(sdk, grant):
    # In the order of the client, whatever the order of the wish.
    claims = sdk.m2m.authenticate_token(access_token=grant(["admin", "read:users"]).access_token)
    assert claims.scopes == ["read:users", "admin"]


def test_an_empty_wish_is_no_wish(sdk, grant):
    # The SDK really sends `"scope": ""` here.
    assert sdk.m2m.authenticate_token(access_token=grant([]).access_token).scopes == HELD


def test_a_client_without_scopes(sdk, make):
    client = make(scopes=[])
    answer = sdk.m2m.token(client_id=client.client_id, client_secret=client.client_secret)
    assert sdk.m2m.authenticate_token(access_token=answer.access_token).scopes == []


@pytest.mark.parametrize("scope", ["delete:users", "write:users"], ids=["not held", "wildcards are not expanded"])
def test_a_scope_not_held(grant, scope):
    with oauth_refuses("invalid_scope"):
        grant(["read:users", scope])


def test_wrong_credentials(sdk, client):
    with oauth_refuses("invalid_client"):
        sdk.m2m.token(client_id=client.client_id, client_secret="csk_wrong")
    with oauth_refuses("invalid_client"):
        sdk.m2m.token(client_id=unique("nobody"), client_secret=client.client_secret)


@pytest.mark.parametrize(
    "required, passes",
    [
        ([], True),
        (["read:users"], True),
        (["admin", "read:users"], True),
        (["write:anything"], True),
        (["read:anything"], False),
        (["read:users", "delete:users"], False),
    ],
    ids=str,
)
def test_required_scopes(sdk, client, grant, required, passes):
    claims = sdk.m2m.authenticate_token(access_token=grant().access_token, required_scopes=required)
    assert (claims.client_id if claims else None) == (client.client_id if passes else None)


@pytest.mark.parametrize("age, passes", [(3600, True), (0, False)])
def test_token_age(sdk, grant, age, passes):
    claims = sdk.m2m.authenticate_token(access_token=grant().access_token, max_token_age=age)
    assert (claims is not None) == passes


def test_a_forged_token(sdk, grant):
    head, body, signature = grant().access_token.split(".")
    forged = ".".join([head, body, ("B" if signature[0] == "A" else "A") + signature[1:]])
    assert sdk.m2m.authenticate_token(access_token=forged) is None


def test_the_project_next_door(opened, server, vertical, grant):
    token = grant().access_token
    stranger = opened(server, vertical, project_id=unique(f"project-{server.env}"))
    # No such project, so no keys: the SDK cannot even ask whether the token is good.
    with pytest.raises(jwt.PyJWKClientConnectionError, match="404"):
        stranger.m2m.authenticate_token(access_token=token)


def test_a_wrong_audience(server, vertical):
    """With the right keys at hand, issuer and audience alone must make another project's SDK refuse."""
    sdk = server.sdk(vertical)
    client = sdk.m2m.clients.create(scopes=HELD).m2m_client
    token = sdk.m2m.token(client_id=client.client_id, client_secret=client.client_secret).access_token
    parts = (sdk.api_base, sdk.sync_client, sdk.async_client, sdk.jwks_client)
    assert M2M(*parts, project_id=server.project_id).authenticate_token(token).client_id == client.client_id
    assert M2M(*parts, project_id=unique("project-test")).authenticate_token(token) is None


def test_the_key_set(sdk, server):
    answer = sdk.sessions.get_jwks(project_id=server.project_id)
    assert answer.status_code == 200 and REQUEST_ID.fullmatch(answer.request_id)
    assert answer.keys
    for key in answer.keys:
        assert re.fullmatch(f"jwk-{server.env}-{UUID}", key.kid)
        assert (key.kty, key.use, key.key_ops, key.alg, key.e) == ("RSA", "sig", ["verify"], "RS256", "AQAB")
        [certificate] = [base64.b64decode(text, validate=True) for text in key.x5c]
        assert base64.b64decode(key.x5tS256, validate=True) == hashlib.sha256(certificate).digest()
        numbers = x509.load_der_x509_certificate(certificate).public_key().public_numbers()
        assert numbers.n == int.from_bytes(base64.urlsafe_b64decode(key.n + "=="))
        assert numbers.n.bit_length() == 2048


def test_new_keys_while_tokens_are_checked():
    server = Server.main("http").new_project()
    sdk = server.sdk()
    client = sdk.m2m.clients.create(scopes=HELD).m2m_client

    def grant():
        token = sdk.m2m.token(client_id=client.client_id, client_secret=client.client_secret).access_token
        return token, jwt.get_unverified_header(token)["kid"]

    def published():
        return {key.kid for key in sdk.sessions.get_jwks(project_id=server.project_id).keys}

    before, old_key = grant()
    assert sdk.m2m.authenticate_token(before).client_id == client.client_id
    assert published() == {old_key}

    server.rotate_key(emergency=False)

    # The new key is published but not yet used: an SDK that read the keys a while ago goes on without a hitch.
    after, signing_key = grant()
    assert signing_key == old_key
    assert published() > {old_key}
    for checker in (sdk, server.sdk()):
        for token in (before, after):
            assert checker.m2m.authenticate_token(token).client_id == client.client_id

    server.rotate_key(emergency=True)

    # Every key before this one counts as stolen: what it signed is believed no more. Fresh SDKs, because one with keys in
    # its memory believes them for up to five minutes.
    last, new_key = grant()
    assert published() == {new_key} and new_key != old_key
    assert server.sdk().m2m.authenticate_token(last).client_id == client.client_id
    with pytest.raises(jwt.PyJWKClientError, match="Unable to find a signing key"):
        server.sdk().m2m.authenticate_token(before)

"""A plain OAuth 2.0 library that knows nothing of Stytch: Authlib for the grant, its sister joserfc for the JWT."""

import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import InvalidClaimError
from joserfc.jwk import KeySet
from surroundings import unique

METHODS = pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])


@pytest.fixture
def client(server):
    """A client whose imported id has characters that form encoding changes; Authlib puts them into Basic as they are."""
    client_id = unique("std.id~1@b")
    return server.sdk().m2m.clients.create(scopes=["read:users", "admin"], client_id=client_id).m2m_client


@pytest.fixture
def session(server, client, method):
    """Opens a session of the library, which keeps the token endpoint's raw answers in `answers`."""

    def open_session(**instead):
        config = {
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "token_endpoint": f"{server.url}/v1/public/{server.project_id}/oauth2/token",
            "token_endpoint_auth_method": method,
        }
        oauth = OAuth2Session(**{**config, **instead})
        oauth.answers = []
        oauth.register_compliance_hook("access_token_response", lambda answer: oauth.answers.append(answer) or answer)
        return oauth

    return open_session


def verified(server, token, project_id):
    """The token after signature and registered claims were checked with the published keys alone."""
    keys = requests.get(f"{server.url}/v1/sessions/jwks/{server.project_id}", timeout=30).json()
    decoded = jwt.decode(token, KeySet.import_key_set({"keys": keys["keys"]}), algorithms=["RS256"])
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": f"stytch.com/{server.project_id}"},
        aud={"essential": True, "value": project_id},
        exp={"essential": True},
    ).validate(decoded.claims)
    return decoded


@METHODS
def test_client_credentials(server, client, session):
    oauth = session(scope="read:users")
    token = oauth.fetch_token(grant_type="client_credentials")
    assert (token["token_type"], token["expires_in"]) == ("bearer", 3600)
    assert oauth.answers[0].headers["Cache-Control"] == "no-store"

    decoded = verified(server, token["access_token"], server.project_id)
    assert decoded.header == {"alg": "RS256", "kid": decoded.header["kid"], "typ": "JWT"}
    issued = decoded.claims["iat"]
    assert {name: value for name, value in decoded.claims.items() if name != "jti"} == {
        "sub": client.client_id,
        "iss": f"stytch.com/{server.project_id}",
        "aud": [server.project_id],
        "scope": "read:users",
        "iat": issued,
        "nbf": issued,
        "exp": issued + 3600,
    }
    with pytest.raises(InvalidClaimError, match="aud"):
        verified(server, token["access_token"], unique("project-test"))


@METHODS
def test_all_scopes_without_a_wish(server, session):
    token = session().fetch_token(grant_type="client_credentials")
    assert verified(server, token["access_token"], server.project_id).claims["scope"] == "read:users admin"


@METHODS
@pytest.mark.parametrize(
    "instead, grant_type, error",
    [
        ({"client_secret": "csk_wrong"}, "client_credentials", "invalid_client"),
        ({"scope": "delete:users"}, "client_credentials", "invalid_scope"),
        ({}, "password", "unsupported_grant_type"),
    ],
    ids=["secret", "scope", "grant"],
)
def test_refusals(session, method, instead, grant_type, error):
    oauth = session(**instead)
    with pytest.raises(OAuthError) as caught:
        oauth.fetch_token(grant_type=grant_type)
    assert caught.value.error == error
    assert caught.value.description
    [answer] = oauth.answers
    if (method, error) == ("client_secret_basic", "invalid_client"):
        # RFC 6749 5.2: who tried a scheme of HTTP is told the scheme. No SDK of the wire does, so they get their 400.
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Basic ")
    else:
        assert answer.status_code == 400 and "WWW-Authenticate" not in answer.headers

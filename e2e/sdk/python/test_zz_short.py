"""The server whose tokens live a minute. Last by name: by now the token got at the start is nearly dead."""

import time

import jwt


def test_an_expired_token(dying_token):
    sdk, token = dying_token.result()
    assert token.expires_in == 60
    claims = jwt.decode(token.access_token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 60
    time.sleep(max(0, claims["exp"] - time.time()))
    # This very SDK object took it while it lived (see the fixture), so only time can be the reason.
    assert sdk.m2m.authenticate_token(token.access_token) is None

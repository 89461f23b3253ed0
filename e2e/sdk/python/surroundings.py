"""Where the suite runs: servers from the environment, and the SDK in every shape it comes in."""

import asyncio
import os
import re
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest
import requests
import stytch
from stytch.core.response_base import StytchError

NEEDED = (
    "COUNTERSIGN_HTTP_URL",
    "COUNTERSIGN_HTTPS_URL",
    "COUNTERSIGN_CA_FILE",
    "COUNTERSIGN_PROJECT_ID",
    "COUNTERSIGN_PROJECT_SECRET",
    "COUNTERSIGN_OPERATOR_KEY",
    "COUNTERSIGN_SHORT_HTTP_URL",
)
VERTICALS = {"consumer": stytch.Client, "b2b": stytch.B2BClient}
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
REQUEST_ID = re.compile(f"request-id-(test|live)-{UUID}")


@dataclass(frozen=True)
class Server:
    """One running server and the keys to one of its projects."""

    url: str
    project_id: str
    project_secret: str
    operator_key: str

    @staticmethod
    def main(transport):
        names = (f"{transport.upper()}_URL", "PROJECT_ID", "PROJECT_SECRET", "OPERATOR_KEY")
        return Server(*(os.environ[f"COUNTERSIGN_{name}"] for name in names))

    @staticmethod
    def short():
        """The server whose tokens live as short as a server allows."""

        def own(name):
            return os.environ.get(f"COUNTERSIGN_SHORT_{name}") or os.environ[f"COUNTERSIGN_{name}"]

        names = ("PROJECT_ID", "PROJECT_SECRET", "OPERATOR_KEY")
        return Server(os.environ["COUNTERSIGN_SHORT_HTTP_URL"], *map(own, names))

    @property
    def env(self):
        """`test` or `live`, as it stands in the project id and in every id the server makes."""
        return self.project_id.split("-")[1]

    def sdk(self, vertical="consumer", **instead):
        # The SDK takes plain http only as an "environment", and https only as a "custom base URL".
        where = "custom_base_url" if self.url.startswith("https:") else "environment"
        config = {"project_id": self.project_id, "secret": self.project_secret, where: self.url}
        return VERTICALS[vertical](**{**config, **instead})

    def new_project(self):
        """A project on this server for one test alone, whose keys it may throw away."""
        made = self._administer("projects", {"name": unique("sdk")})
        secret = made["project_secret"]["secret"]
        return replace(self, project_id=made["project"]["project_id"], project_secret=secret)

    def rotate_key(self, *, emergency):
        body = {"algorithm": "RS256", "emergency": emergency}
        self._administer(f"projects/{self.project_id}/keys/rotate", body)

    def _administer(self, path, body):
        headers = {"Authorization": f"Bearer {self.operator_key}"}
        answer = requests.post(f"{self.url}/admin/v1/{path}", headers=headers, json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()


class Awaited:
    """The SDK's async half under the names of its sync half: `m2m.token(...)` awaits `m2m.token_async(...)`."""

    def __init__(self, target, runner: asyncio.Runner):
        self._target = target
        self._runner = runner

    def __getattr__(self, name):
        twin = getattr(self._target, f"{name}_async", None)
        if twin is None:
            return Awaited(getattr(self._target, name), self._runner)
        return lambda *args, **kwargs: self._runner.run(twin(*args, **kwargs))


def unique(word):
    """A name no other test, suite or earlier run uses, so that a used server does as well as a fresh one."""
    return f"{word}-{uuid.uuid4()}"


@contextmanager
def api_refuses(status, error_type):
    """The block must end in the SDK's typed error, filled in completely, from a body in the API style alone."""
    with _refuses(status, error_type, {"error_type", "error_message", "error_url"}):
        yield


@contextmanager
def oauth_refuses(error):
    """The same for the token endpoint: always 400 and the member names of RFC 6749, never both styles."""
    with _refuses(400, error, {"error", "error_description", "error_uri"}):
        yield


@contextmanager
def _refuses(status, error_type, members):
    with pytest.raises(StytchError) as caught:
        yield
    details = caught.value.details
    assert (details.status_code, details.error_type) == (status, error_type)
    assert REQUEST_ID.fullmatch(details.request_id)
    assert details.error_message and details.error_url
    assert set(details.original_json) == members | {"status_code", "request_id"}

"""Who this device is: its token, given by the app or obtained by registration, and renewed before it expires."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path
from typing import Any, Callable

from ..files import replace_file
from .api import Api, ApiError

#: A token is renewed so many ms before it expires, or after half of its remaining life if that is later.
_RENEW_MARGIN_MS = 60_000


class Identity:
    """Obtains tokens. May be used by several threads.

    A device that registered stores its last token: it is all that proves to be this device, and all that renews it.
    """

    def __init__(self, api: Api, path: Path, now: Callable[[], int], token: str | None = None) -> None:
        """
        :param path: of the file with the token of a device that registered
        :param now: the server's time in ms
        :param token: of the app; without one, the device registers itself
        """
        self._api = api
        self._path = path
        self._now = now
        self._given = token
        self._lock = threading.Lock()
        self._current: str | None = None
        self._renew_at = 0.0
        self._stored = None if token else _read_token(path)
        #: The id of the device; None until it is known.
        self.device: str | None = read_claims(token or self._stored).get("device")

    @property
    def is_renewal_due(self) -> bool:
        """Whether a stream should be opened again with another token."""
        return self._current is None or self._now() >= self._renew_at

    def token(self) -> str:
        """A token that is not about to expire. Raises ApiError."""
        with self._lock:
            if self._current is None or self._now() >= self._renew_at:
                self._adopt(self._given or self._obtain())
            assert self._current is not None
            return self._current

    def reject(self, token: str) -> None:
        """To be called when the server has refused a token: the next one is a new one."""
        with self._lock:
            if token == self._current:
                self._current = None

    def _adopt(self, token: str) -> None:
        claims = read_claims(token)
        self._current = token
        self.device = claims.get("device", self.device)
        expires_at = claims.get("exp")
        if self._given or not isinstance(expires_at, (int, float)):
            self._renew_at = float("inf")
            return
        remaining = expires_at * 1000 - self._now()
        self._renew_at = self._now() + max(0, remaining - _RENEW_MARGIN_MS, remaining / 2)

    def _obtain(self) -> str:
        stored, self._stored = self._stored, None
        if stored and read_claims(stored).get("exp", 0) * 1000 > self._now():
            return stored
        last = stored or _read_token(self._path)
        if last is None:
            return self._request("/api/devices", None)
        try:
            return self._request("/api/devices/renew", last)
        except ApiError as error:
            if error.code != "unauthorized":
                raise
            # The server's key has changed, or it is another installation: nobody can be this device there any more.
            return self._request("/api/devices", None)

    def _request(self, path: str, token: str | None) -> str:
        body = self._api.request(path, token=token, body={}).body
        issued = body.get("token") if isinstance(body, dict) else None
        if not isinstance(issued, str):
            raise ApiError("network", f"{self._api.url} does not answer as the API of a field does")
        replace_file(self._path, json.dumps({"token": issued}).encode("ascii"))
        return issued


def read_claims(token: str | None) -> dict[str, Any]:
    """What a token says, without a check: the server checks it. Nothing if it is not a JWT."""
    parts = (token or "").split(".")
    if len(parts) != 3:
        return {}
    payload = parts[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def _read_token(path: Path) -> str | None:
    try:
        stored = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    token = stored.get("token") if isinstance(stored, dict) else None
    return token if isinstance(token, str) else None

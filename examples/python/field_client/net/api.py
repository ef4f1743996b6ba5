"""Requests to the API of a server. Every failure is an ApiError with a code."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

#: In seconds, and for each part of a message: what arrives slowly is not cut off.
TIMEOUT = 10.0


class ApiError(Exception):
    """An answer that is an error, by the code of its problem document; `network` if there was no answer of the API."""

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 0,
        retry_after: float = 0,
        errors: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        #: The HTTP status; 0 if there was no answer.
        self.status = status
        #: How many seconds the server asks to wait.
        self.retry_after = retry_after
        #: What is wrong with the request, as `path` and `message`.
        self.errors = errors or []

    @property
    def is_about_token(self) -> bool:
        """Whether another token may help."""
        return self.status in (401, 403)

    @property
    def is_about_content(self) -> bool:
        """Whether the content of the request is at fault, so that the same can never succeed."""
        return self.status == 413 or (self.status == 400 and self.code not in ("internal", "counter_too_far"))

    @property
    def is_about_counters(self) -> bool:
        """Whether the same content may succeed under lower counters."""
        return self.code == "counter_too_far"


class Answer(NamedTuple):
    """An answer that is not an error."""

    status: int
    body: Any


class Api:
    """Sends requests, each over a connection of its own. May be used by several threads."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url} is not the address of an API, such as https://field.example.org")
        self.url = url.rstrip("/")
        self._is_secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/")

    def request(
        self,
        path: str,
        *,
        token: str | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
    ) -> Answer:
        """A GET, or a POST if there is a body. Raises ApiError."""
        connection = self.connect(timeout)
        try:
            response = self.send(connection, path, token=token, body=body, headers=headers)
            text = response.read()
            if response.status >= 400:
                raise to_api_error(response, text)
            parsed = json.loads(text) if text else None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ApiError("network", f"{self.url} did not answer: {error or type(error).__name__}") from error
        finally:
            connection.close()
        return Answer(response.status, parsed)

    def connect(self, timeout: float) -> http.client.HTTPConnection:
        """A connection that is not open yet."""
        kind = http.client.HTTPSConnection if self._is_secure else http.client.HTTPConnection
        return kind(self._host, self._port, timeout=timeout)

    def send(
        self,
        connection: http.client.HTTPConnection,
        path: str,
        *,
        token: str | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> http.client.HTTPResponse:
        """Sends a request and returns its response, of which the body was not read yet."""
        sent = dict(headers or {})
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode("ascii")
        if data is not None:
            sent["content-type"] = "application/json"
        connection.request("GET" if data is None else "POST", self._prefix + path, data, sent)
        return connection.getresponse()


def to_api_error(response: http.client.HTTPResponse, text: bytes) -> ApiError:
    """The problem that an answer reports. A proxy may answer with something else."""
    problem = _parse_object(text)
    code = problem.get("code")
    detail = problem.get("detail") or problem.get("title")
    errors = problem.get("errors")
    return ApiError(
        code if isinstance(code, str) else "internal",
        str(detail or f"The server answered with status {response.status}."),
        response.status,
        _parse_seconds(response.headers.get("retry-after", "")),
        errors if isinstance(errors, list) else None,
    )


def _parse_object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _parse_seconds(text: str) -> float:
    return float(text) if text.isdigit() else 0

"""Cursors, canonical JSON (RFC 8785), and the chain of hashes over the log of a field."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from .merge.numbers import code_units

EMPTY_CURSOR = "0.0000000000000000"
_CURSOR = re.compile(r"(0|[1-9][0-9]{0,15})\.[0-9a-f]{16}")


def is_cursor(text: Any) -> bool:
    """Whether this is a cursor: a version, a dot, and the first 16 hex digits of the hash of that version."""
    return isinstance(text, str) and _CURSOR.fullmatch(text) is not None and version_of(text) < 2**53


def version_of(cursor: str) -> int:
    """The version of a cursor, by which states of one history are ordered. Histories are compared by whole cursors."""
    return int(cursor.partition(".")[0])


def hash_prefix_of(cursor: str) -> str:
    """The first 16 hex digits of the hash."""
    return cursor.partition(".")[2]


def format_cursor(version: int, digest: str) -> str:
    """The cursor of a version. Version 0 has the same one in every field."""
    return f"{version}.{digest[:16]}" if version > 0 else EMPTY_CURSOR


def hash_genesis(field: str, genesis: str) -> str:
    """The hash of version 0."""
    return _sha256([field, genesis])


def hash_content(entry: Mapping[str, Any]) -> str:
    """The hash of what an entry says, with its salt. It stays when the content is erased."""
    origin = {key: entry["update"].get(key) for key in ("counter", "seen", "clock")}
    change = {key: value for key, value in entry["update"].items() if key not in origin}
    content = {
        "rules": entry["rules"],
        "device": entry["device"],
        "user": entry.get("user"),
        **origin,
        "update": change,
    }
    return _sha256([entry["salt"], {key: value for key, value in content.items() if value is not None}])


def chain_hash(previous: str, entry: Mapping[str, Any], content_hash: str | None = None) -> str:
    """The hash of an entry, which covers the hash of the entry before, and so the whole log up to here."""
    digest = content_hash if content_hash is not None else hash_content(entry)
    return _sha256([previous, entry["version"], entry["time"], entry["outcome"], digest])


def canonical_json(value: Any) -> str:
    """The one text of a value, whatever the order of its keys."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (int, float)):
        return _render_number(float(value))
    if isinstance(value, Mapping):
        members = (f"{canonical_json(key)}:{canonical_json(value[key])}" for key in sorted(value, key=code_units))
        return "{" + ",".join(members) + "}"
    return "[" + ",".join(canonical_json(item) for item in value) + "]"


def _sha256(parts: Any) -> str:
    return hashlib.sha256(canonical_json(parts).encode("utf-8")).hexdigest()


def _render_number(value: float) -> str:
    """The shortest digits that give the same double, laid out as ECMAScript does."""
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}e0".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    # The value is 0.digits · 10^point.
    point = len(whole) + int(exponent.partition("e")[0]) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"

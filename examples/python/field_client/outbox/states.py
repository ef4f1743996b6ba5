"""The states of one own update, and which follows on which event.

`queued`: never sent under its counter, by any process. `sent`: part of one request, `resent`: of several, without an
answer. `accepted`, `acceptedAgain`: acknowledged after one request, or several; the result is not known yet.
`resending`: accepted, and due again because the result may have been missed. The states `restored` to
`resendingUnverified` are the same for updates that were read from storage, which may be a copy: their counters may
belong to other updates. `settledByResponse`: the server has compared the content and said what became of it. `refused`:
the server can never apply it.

This client sends every request with `Prefer: wait`, so that only responses settle updates.
"""

from __future__ import annotations

_SENT = ("sent", "resent", "accepted", "acceptedAgain", "resending")
_UNVERIFIED = ("restoredSent", "unverified", "acceptedUnverified", "resendingUnverified")


def _from_any_sent(state: str) -> dict[str, str]:
    return {sent: state for sent in (*_SENT, *_UNVERIFIED)}


#: By event, then by state.
TRANSITIONS: dict[str, dict[str, str]] = {
    # It was put into a request.
    "sent": {"queued": "sent", "sent": "resent", "restored": "restoredSent", "restoredSent": "unverified"},
    # A response says that the server will not lose it.
    "acknowledged": {
        "sent": "accepted",
        "resent": "acceptedAgain",
        "resending": "acceptedAgain",
        "restoredSent": "acceptedUnverified",
        "unverified": "acceptedUnverified",
        "resendingUnverified": "acceptedUnverified",
    },
    # The message with its result may have been missed.
    "resultMissed": {
        "accepted": "resending",
        "acceptedAgain": "resending",
        "acceptedUnverified": "resendingUnverified",
    },
    "settledByResponse": _from_any_sent("settledByResponse"),
    # It got another counter.
    "renumbered": {**_from_any_sent("queued"), "queued": "queued", "restored": "queued"},
    # The server refused its content.
    "rejected": _from_any_sent("refused"),
    # The server's log may not have it any more.
    "lost": {"settledByResponse": "unverified"},
}

_STATUSES = {
    **dict.fromkeys(("queued", "sent", "resent", "restored", "restoredSent", "unverified"), "queued"),
    **dict.fromkeys(("accepted", "acceptedAgain", "resending"), "accepted"),
    **dict.fromkeys(("acceptedUnverified", "resendingUnverified"), "accepted"),
}


def next_state(state: str, event: str) -> str | None:
    """The state after an event; None if the event does not concern an update in this state."""
    return TRANSITIONS[event].get(state)


def is_pending(state: str) -> bool:
    """Whether the server has yet to say what became of the update."""
    return state in _STATUSES


def is_due(state: str) -> bool:
    """Whether the update belongs in the next request."""
    return is_pending(state) and state not in ("accepted", "acceptedAgain", "acceptedUnverified")


def is_sent_once(state: str) -> bool:
    """Whether exactly one request has contained it: what the server knew of its counter before, was another update."""
    return state in ("sent", "accepted", "restoredSent")


def status_of(state: str, outcome: str | None = None) -> str:
    """What the app sees: `queued`, `accepted`, `applied`, `conflict` or `refused`."""
    if state == "refused":
        return "refused"
    return _STATUSES.get(state) or ("conflict" if outcome == "conflict" else "applied")

"""One own update, and how it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import states

Record = dict[str, Any]


@dataclass(eq=False)
class Entry:
    """An own update and what is known of it."""

    #: Identifies the entry in this outbox; the counter may change until the update is applied.
    place: int
    #: As it is sent, with `counter`, `timestamp` and `seen`.
    update: dict[str, Any]
    state: str
    #: When it was made, by the device's wall clock in ms, and the highest timestamp that had been seen by then.
    created_at: int
    above: int
    #: Whether the timestamp that it is sent with was chosen.
    is_stamped: bool = False
    #: Why the server has refused it.
    reason: str | None = None
    outcome: str | None = None
    resolution: str | None = None
    #: The version that contains it, and a cursor of a log that does.
    version: int = 0
    cursor: str | None = None
    #: The device that it was applied as.
    device: str | None = None
    #: When it was applied, in ms of connected time; None if it is not kept.
    kept_at: int | None = None
    #: Whether it is applied, and the state is not known to contain it.
    is_shown: bool = False

    @property
    def counter(self) -> int:
        """The number of the update among those of this device."""
        return self.update["counter"]

    @property
    def status(self) -> str:
        """`queued`, `accepted`, `applied`, `conflict` or `refused`."""
        return states.status_of(self.state, self.outcome)

    @property
    def is_settled(self) -> bool:
        """Whether it is applied or in conflict."""
        return self.state == "settledByResponse"

    @property
    def is_listed(self) -> bool:
        """Whether it is part of the outbox as the app sees it."""
        return not self.is_settled or self.is_shown

    def transition(self, event: str) -> bool:
        """Moves to the next state. Returns False if the event does not concern the update as it is."""
        state = states.next_state(self.state, event)
        if state is None:
            return False
        self.state = state
        return True

    def unsettle(self) -> None:
        """To be called when it has to be sent again although it was applied."""
        self.transition("lost")
        self.outcome = self.resolution = self.cursor = self.device = self.kept_at = None
        self.version = 0
        self.is_shown = False

    def to_record(self) -> Record:
        """What is stored."""
        record: Record = {
            "do": "put",
            "place": self.place,
            "update": self.update,
            "wall": self.created_at,
            "above": self.above,
            "stamped": self.is_stamped,
        }
        if self.reason is not None:
            record["reason"] = self.reason
        if self.kept_at is not None:
            proof = {"version": self.version, "cursor": self.cursor, "device": self.device}
            record["applied"] = {**proof, "at": self.kept_at, "contained": not self.is_shown}
        return record


def restore_entry(record: Record, sent_counter: int) -> Entry:
    """Reads what `to_record` has stored.

    :param sent_counter: the highest counter that may have been sent, according to the storage, which may be a copy
    """
    applied, reason = record.get("applied"), record.get("reason")
    if applied:
        state = "settledByResponse"
    elif reason is not None:
        state = "refused"
    else:
        state = "restored" if record["update"]["counter"] > sent_counter else "unverified"
    entry = Entry(
        place=record["place"],
        update=record["update"],
        state=state,
        created_at=record["wall"],
        above=record["above"],
        is_stamped=record["stamped"],
        reason=reason,
    )
    if applied:
        entry.outcome = "applied"
        entry.version, entry.cursor = applied["version"], applied["cursor"]
        entry.device, entry.kept_at = applied["device"], applied["at"]
        entry.is_shown = not applied["contained"]
    return entry

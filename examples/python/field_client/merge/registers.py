"""Registers: a value and the stamp of its last write, and the rule by which a write is merged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Stamp(NamedTuple):
    """Identifies a write. `version` is not part of the order."""

    timestamp: int
    device: str
    counter: int
    version: int

    @property
    def order(self) -> tuple[int, str, int]:
        """What decides between concurrent writes: the larger one is kept. Device ids are ASCII."""
        return (self.timestamp, self.device, self.counter)


class Write(NamedTuple):
    """What the merge of a register needs of an update."""

    device: str
    counter: int
    timestamp: int
    seen: int
    clock: Mapping[str, int]
    version: int


class Register(NamedTuple):
    """`value` is None in a register that a removal has emptied."""

    value: Any
    stamp: Stamp


#: Results of a write. `written`: the first one, or one that has seen the value which it replaces. `superseded`: the
#: same device has written later. `agreed`: concurrent with an equal value. `won`, `lost`: concurrent with another
#: value, a conflict.
WRITTEN, SUPERSEDED, AGREED, WON, LOST = "written", "superseded", "agreed", "won", "lost"


def order_causally(write: Write, earlier: Stamp) -> str:
    """Returns `after`, `superseded` or `concurrent`. Writes of one device are ordered by its counters alone."""
    if write.device == earlier.device:
        return "after" if write.counter > earlier.counter else "superseded"
    has_seen = write.seen >= earlier.version or write.clock.get(earlier.device, 0) >= earlier.counter
    return "after" if has_seen else "concurrent"


def merge_register(current: Register | None, value: Any, write: Write) -> tuple[Register, str]:
    """Returns the register after the write, and the result of the write."""
    if current is None:
        return Register(value, _stamp(write)), WRITTEN
    order = order_causally(write, current.stamp)
    if order == "superseded":
        return current, SUPERSEDED
    if order == "after":
        return Register(value, _stamp(write, current.stamp)), WRITTEN
    stamp = _stamp(write)
    is_newer = stamp.order > current.stamp.order
    register = Register(value, stamp) if is_newer else current
    if value == current.value:
        return register, AGREED
    return register, WON if is_newer else LOST


def _stamp(write: Write, replaced: Stamp | None = None) -> Stamp:
    """A stamp is larger than that of a value which the write has seen and replaces."""
    timestamp = write.timestamp if replaced is None else max(write.timestamp, replaced.timestamp + 1)
    return Stamp(timestamp, write.device, write.counter, write.version)

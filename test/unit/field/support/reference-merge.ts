/**
 * What the registers must be, worked out another way than the code does: from all the updates at once, by their total
 * order. Written from the contract alone, and right only for devices that keep hybrid timestamps, since then cause
 * sorts before effect and the last write in the total order is the one that every merge rule leaves standing.
 */
import type { Update } from '../../../../shared/field/update.ts';
import type { SentUpdate } from './changes.ts';
import { attributeName, cellName, particleRegisters, type Registers } from './registers.ts';

export function referenceRegisters(updates: readonly SentUpdate[]): Registers {
  const registers: Registers = new Map();
  for (const { device, update } of [...updates].sort(byTotalOrder)) {
    const { timestamp, counter } = update;
    for (const [name, value] of writesOf(update)) registers.set(name, { value, timestamp, device, counter });
  }
  return registers;
}

/** `(timestamp, device by code unit, counter)` */
function byTotalOrder(a: SentUpdate, b: SentUpdate): number {
  return (
    a.update.timestamp - b.update.timestamp ||
    Number(a.device > b.device) - Number(a.device < b.device) ||
    a.update.counter - b.update.counter
  );
}

/** The registers that an update writes. A remove writes "empty" to all six of a particle. */
export function writesOf(update: Update): (readonly [name: string, value: unknown])[] {
  switch (update.kind) {
    case 'event':
      return [];
    case 'cells.set':
      return update.cells.map(({ x, y, value }) => [cellName(`${x},${y}`), value]);
    case 'particle.remove':
      return particleRegisters.map((name) => [attributeName(update.id, name), name === 'exists' ? false : null]);
    case 'particle.put': {
      const values: Record<string, unknown> = { ...update, exists: true };
      return particleRegisters
        .filter((name) => values[name] !== undefined)
        .map((name) => [attributeName(update.id, name), values[name]]);
    }
  }
}

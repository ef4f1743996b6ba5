/**
 * An independent oracle for the merge: it sorts all updates by their total order and keeps the last write of each register.
 * That is only correct for devices with hybrid timestamps, whose total order is consistent with happens-before.
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

/** Orders updates by timestamp, then by device in code units, then by counter. */
function byTotalOrder(a: SentUpdate, b: SentUpdate): number {
  return (
    a.update.timestamp - b.update.timestamp ||
    Number(a.device > b.device) - Number(a.device < b.device) ||
    a.update.counter - b.update.counter
  );
}

/** Returns the registers that an update writes. A remove clears all six registers of a particle. */
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

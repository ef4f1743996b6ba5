/**
 * What a log must have led to, computed from the contract alone: one register after another, without the code that it checks.
 * It shares the names of registers with the reference merge of the unit tests, and nothing with the fold.
 */
import { isDeepStrictEqual } from 'node:util';
import { writesOf } from '../../unit/field/support/reference-merge.ts';
import { attributeName, particleRegisters } from '../../unit/field/support/registers.ts';
import type { StoredEntry } from '../models/postgres/field-row.ts';

interface OracleRegister {
  readonly value: unknown;
  readonly timestamp: number;
  readonly device: string;
  readonly counter: number;
  readonly version: number;
}

type WriteEffect = 'stands' | 'superseded' | 'agreed' | 'conflict';

export class Oracle {
  readonly registers = new Map<string, OracleRegister>();
  conflicts = 0;

  /** Applies the next entry. @returns its outcome */
  apply(entry: StoredEntry): StoredEntry['outcome'] {
    const contended = new Set<string>();
    const effects = writesOf(entry.update).map(([name, value]) => {
      const effect = this.#write(name, value, entry);
      if (effect === 'conflict') contended.add(nameOfOwner(name));
      return effect;
    });
    this.conflicts += contended.size;
    if (entry.sweptThrough !== undefined) this.#purge(entry.sweptThrough);
    if (contended.size > 0) return 'conflict';
    return effects.length > 0 && effects.every((effect) => effect === 'superseded') ? 'superseded' : 'applied';
  }

  #write(name: string, value: unknown, { device, update, version }: StoredEntry): WriteEffect {
    const { counter, timestamp, seen, clock } = update;
    const written = { value, timestamp, device, counter, version };
    const last = this.registers.get(name);
    if (!last) {
      this.registers.set(name, written);
      return 'stands';
    }
    const isLater = last.device === device && counter > last.counter;
    if (last.device === device && !isLater) return 'superseded';
    const knowsCounter = last.device !== device && (clock?.[last.device] ?? 0) >= last.counter;
    if (isLater || (last.device !== device && seen >= last.version) || knowsCounter) {
      this.registers.set(name, { ...written, timestamp: Math.max(timestamp, last.timestamp + 1) });
      return 'stands';
    }
    if (isGreater(written, last)) this.registers.set(name, written);
    return isDeepStrictEqual(value, last.value) ? 'agreed' : 'conflict';
  }

  /** Forgets the removals up to a version. */
  #purge(through: number): void {
    for (const [name, { value, version }] of this.registers) {
      if (!name.startsWith('particle exists ') || value !== false || version > through) continue;
      const id = name.slice('particle exists '.length);
      for (const attribute of particleRegisters) this.registers.delete(attributeName(id, attribute));
    }
  }
}

/** The cell or the particle of a register: its conflicts are recorded together. */
function nameOfOwner(name: string): string {
  return name.startsWith('particle ') ? `particle/${name.split(' ').slice(2).join(' ')}` : name;
}

function isGreater(a: OracleRegister, b: OracleRegister): boolean {
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp;
  if (a.device !== b.device) return a.device > b.device;
  return a.counter > b.counter;
}

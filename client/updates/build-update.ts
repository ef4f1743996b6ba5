/** Builds the content of updates from the arguments of the public API. Copies them, since the app may change its objects. */
import type { CellValue, EventType } from '../../shared/field/update.ts';
import type { ParticleView } from '../../shared/field/view.ts';

import type { ParticleInput, PositionInput } from '../types.ts';
import { toBaseAttributes } from './base-attributes.ts';
import { findFault } from './find-fault.ts';
import type { UpdateContent } from './update-content.ts';

/** The keys of a particle in the state that a put does not write. */
const derivedKeys = ['id', 'crystallized', 'timestamp', 'device'] as const satisfies readonly (keyof ParticleView)[];

/**
 * @param shown the particle as the app sees it. If `attributes` is a particle of the state, values that it repeats are left out,
 * because a crystallized particle is shown with another resonance and velocity than were written.
 */
export function buildParticlePut(id: string, attributes: ParticleInput, shown?: ParticleInput): UpdateContent {
  const isRead = 'crystallized' in attributes;
  const content: Record<string, unknown> = { kind: 'particle.put', id };
  // A particle that was read and is put under another id should look the same.
  const isCopy = isRead && !shown && attributes.resonance !== undefined && attributes.velocity !== undefined;
  const written = isCopy ? toBaseAttributes(attributes as ParticleView) : attributes;
  for (const [key, value] of Object.entries(written)) {
    const isRepeated = isRead && isSame(value, shown?.[key as keyof ParticleInput]);
    if (value === undefined || isRepeated || (isRead && derivedKeys.includes(key as 'id'))) continue;
    content[key] =
      key === 'position' || key === 'velocity' ? toVector(value) : Array.isArray(value) ? [...value] : value;
  }
  return checked(content);
}

export function buildParticleRemove(id: string): UpdateContent {
  return checked({ kind: 'particle.remove', id });
}

export function buildCellsSet(cells: readonly CellValue[]): UpdateContent {
  const copies = Array.isArray(cells) ? cells.map((cell) => ({ x: cell?.x, y: cell?.y, value: cell?.value })) : cells;
  return checked({ kind: 'cells.set', cells: copies });
}

export function buildEvent(type: EventType, intensity: number | undefined): UpdateContent {
  return checked({ kind: 'event', type, intensity });
}

function toVector(input: PositionInput | null): unknown {
  return { x: input?.x, y: input?.y, z: input?.z ?? 0 };
}

function isSame(value: unknown, other: unknown): boolean {
  return JSON.stringify(value) === JSON.stringify(other);
}

/** @throws TypeError with the code `invalid_update` */
function checked(content: Readonly<Record<string, unknown>>): UpdateContent {
  const fault = findFault(content);
  if (fault === undefined) return content as unknown as UpdateContent;
  throw Object.assign(new TypeError(`The update is invalid: ${fault}.`), { code: 'invalid_update' });
}

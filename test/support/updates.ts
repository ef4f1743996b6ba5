/** Updates for tests, with the parts that do not matter filled in. */
import type { ApplyUpdates } from '../../shared/contract/job.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { ParticleAttributes, Update } from '../../shared/field/update.ts';

export const asField = (id: string) => id as FieldId;
export const asDevice = (id: string) => id as DeviceId;

const epoch = 1_700_000_000_000;

interface Past {
  readonly seen?: number;
  readonly timestamp?: number;
}

export function setCell(counter: number, x: number, value: number, past: Past = {}): Update {
  return { counter, timestamp: epoch + counter, seen: 0, ...past, kind: 'cells.set', cells: [{ x, y: 0, value }] };
}

export function putParticle(counter: number, id: string, attributes: ParticleAttributes = {}, past: Past = {}): Update {
  return { counter, timestamp: epoch + counter, seen: 0, ...past, kind: 'particle.put', id, ...attributes };
}

export function removeParticle(counter: number, id: string, past: Past = {}): Update {
  return { counter, timestamp: epoch + counter, seen: 0, ...past, kind: 'particle.remove', id };
}

export function jobOf(field: FieldId, device: DeviceId, updates: readonly Update[]): ApplyUpdates {
  return { field, device, updates, acceptedAt: epoch };
}

/** Builds updates for tests, with defaults for the properties that do not matter. */
import type { ApplyUpdates } from '../../shared/contract/job.ts';
import { emptyHash, formatCursor } from '../../shared/field/cursor.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { ParticleAttributes, Update } from '../../shared/field/update.ts';

export const asField = (id: string) => id as FieldId;
/** A cursor of a history that no log has: only its version has a meaning. */
export const asCursor = (version: number) => formatCursor(version, emptyHash);
export const asDevice = (id: string) => id as DeviceId;

const epoch = 1_700_000_000_000;

interface UpdateOverrides {
  readonly seen?: number;
  readonly timestamp?: number;
}

export function setCell(counter: number, x: number, value: number, overrides: UpdateOverrides = {}): Update {
  return { counter, timestamp: epoch + counter, seen: 0, ...overrides, kind: 'cells.set', cells: [{ x, y: 0, value }] };
}

export function putParticle(
  counter: number,
  id: string,
  attributes: ParticleAttributes = {},
  overrides: UpdateOverrides = {},
): Update {
  return { counter, timestamp: epoch + counter, seen: 0, ...overrides, kind: 'particle.put', id, ...attributes };
}

export function removeParticle(counter: number, id: string, overrides: UpdateOverrides = {}): Update {
  return { counter, timestamp: epoch + counter, seen: 0, ...overrides, kind: 'particle.remove', id };
}

export function jobOf(field: FieldId, device: DeviceId, updates: readonly Update[]): ApplyUpdates {
  return { field, device, updates, acceptedAt: epoch };
}

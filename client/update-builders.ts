/** Builds the content of updates from the arguments of the public API. Copies them, since the app may change its objects. */
import type { CellValue, EventType, Vector } from '../shared/field/update.ts';
import type { UpdateContent } from './outbox/outbox-item.ts';
import type { ParticleInput, PositionInput } from './types.ts';

export function buildParticlePut(
  id: string,
  { position, velocity, connections, ...rest }: ParticleInput,
): UpdateContent {
  return {
    kind: 'particle.put',
    id,
    ...rest,
    ...(position ? { position: toVector(position) } : {}),
    ...(velocity ? { velocity: toVector(velocity) } : {}),
    ...(connections ? { connections: [...connections] } : {}),
  };
}

export function buildCellsSet(cells: readonly CellValue[]): UpdateContent {
  return { kind: 'cells.set', cells: cells.map(({ x, y, value }) => ({ x, y, value })) };
}

export function buildEvent(type: EventType, intensity: number | undefined): UpdateContent {
  return { kind: 'event', type, intensity };
}

function toVector({ x, y, z = 0 }: PositionInput): Vector {
  return { x, y, z };
}

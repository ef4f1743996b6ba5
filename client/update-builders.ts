/** What an app asks for as the change of an update: copied, since the app may go on with its own objects. */
import type { CellValue, EventType, Vector } from '../shared/field/update.ts';
import type { Change } from './outbox/outbox.ts';
import type { ParticleInput, PositionInput } from './types.ts';

export function buildParticlePut(id: string, { position, velocity, connections, ...rest }: ParticleInput): Change {
  return {
    kind: 'particle.put',
    id,
    ...rest,
    ...(position ? { position: toVector(position) } : {}),
    ...(velocity ? { velocity: toVector(velocity) } : {}),
    ...(connections ? { connections: [...connections] } : {}),
  };
}

export function buildCellsSet(cells: readonly CellValue[]): Change {
  return { kind: 'cells.set', cells: cells.map(({ x, y, value }) => ({ x, y, value })) };
}

export function buildEvent(type: EventType, intensity: number | undefined): Change {
  return { kind: 'event', type, intensity };
}

function toVector({ x, y, z = 0 }: PositionInput): Vector {
  return { x, y, z };
}

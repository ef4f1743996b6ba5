/** Builds the updates of the field tests from a change, the device that sends it, and its causality claims. */
import type { DeviceId } from '../../../../shared/field/ids.ts';
import type {
  CellValue,
  EventType,
  FieldEvent,
  ParticleAttributes,
  ParticlePut,
  Update,
} from '../../../../shared/field/update.ts';

type Origin = 'counter' | 'timestamp' | 'seen' | 'clock';
type WithoutOrigin<U> = U extends Update ? Omit<U, Origin> : never;

/** An update without its counter, timestamp and causality claims. */
export type Change = WithoutOrigin<Update>;

export interface SentUpdate {
  readonly device: DeviceId;
  readonly update: Update;
}

export interface Claims {
  readonly seen?: number;
  readonly clock?: Readonly<Record<string, number>>;
}

/** Returns an update of `device` as the schema would parse it: `seen` defaults to 0. */
export function sent(
  device: string,
  [counter, timestamp]: readonly [number, number],
  change: Change,
  claims: Claims = {},
): SentUpdate {
  return { device: device as DeviceId, update: { seen: 0, ...claims, ...change, counter, timestamp } as Update };
}

export function put(id: string, attributes: ParticleAttributes = {}): WithoutOrigin<ParticlePut> {
  return { kind: 'particle.put', id, ...attributes };
}

export function remove(id: string): Change {
  return { kind: 'particle.remove', id };
}

export function setCells(...cells: CellValue[]): Change {
  return { kind: 'cells.set', cells };
}

/** Sets the cell 0,0, for tests in which the position does not matter. */
export function setCell(value: number): Change {
  return setCells({ x: 0, y: 0, value });
}

export function event(type: EventType, intensity?: number): WithoutOrigin<FieldEvent> {
  return { kind: 'event', type, ...(intensity === undefined ? {} : { intensity }) };
}

export function vector(x: number, y = 0, z = 0) {
  return { x, y, z };
}

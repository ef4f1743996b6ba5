/** Writing devices: their tokens and counters, and their encoded requests. */
import { randomBytes } from 'node:crypto';
import { signToken } from '../../shared/auth/jwt.ts';
import type { ApplyUpdates } from '../../shared/contract/job.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { SentUpdate, Update } from '../../shared/field/update.ts';
import { jwtSecret } from '../stack/settings.ts';
import { encodeRequest } from './http-connection.ts';

export interface Writer {
  readonly device: DeviceId;
  readonly token: string;
  /** The last counter used in each field. */
  readonly counters: Map<FieldId, number>;
}

export type MakeUpdate = (counter: number, index: number) => Update;

export async function createWriters(count: number): Promise<Writer[]> {
  const runId = randomBytes(3).toString('hex');
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const device = `phone-${runId}-${index}` as DeviceId;
      return { device, token: await createToken(device), counters: new Map() };
    }),
  );
}

export async function createToken(device: DeviceId): Promise<string> {
  const key = { secret: jwtSecret, issuer: 'consciousness-field', audience: 'consciousness-field' };
  const scope = ['field:read', 'field:write'] as const;
  return (await signToken({ sub: device, device, fields: ['*'], scope, expiresInSeconds: 86_400 }, key)).token;
}

/** The device's next updates in a field. */
export function createUpdates({ counters }: Writer, field: FieldId, count: number, make: MakeUpdate): Update[] {
  const last = counters.get(field) ?? 0;
  counters.set(field, last + count);
  return Array.from({ length: count }, (_, index) => make(last + index + 1, index));
}

export function encodePost({ token }: Writer, field: FieldId, updates: readonly SentUpdate[]): Buffer {
  return encodeRequest({ path: `/api/fields/${field}/updates`, token, body: JSON.stringify({ updates }) });
}

/** The job that the API would enqueue. */
export function toJob({ device }: Writer, field: FieldId, updates: readonly SentUpdate[]): ApplyUpdates {
  return { field, device, updates, acceptedAt: Date.now(), user: device };
}

/** Creates updates that move one of a field's `particles` particles. */
export function moveParticle(particles: number): MakeUpdate {
  return (counter, index) => ({
    counter,
    timestamp: Date.now(),
    seen: 0,
    kind: 'particle.put',
    id: `star-${(counter * 7919 + index) % particles}`,
    position: { x: counter % 100, y: index, z: 0.5 },
    resonance: (counter % 100) / 100,
  });
}

export function setCell(counter: number): Update {
  const cells = [{ x: counter % 30, y: Math.floor(counter / 30) % 30, value: (counter % 100) / 100 }];
  return { counter, timestamp: Date.now(), seen: 0, kind: 'cells.set', cells };
}

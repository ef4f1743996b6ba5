/** Records conflicts between concurrent writes: both values, and which of them was kept. */

import type { DeviceId } from '../ids.ts';
import type { ParticleAttributes } from '../update.ts';
import { compareCausally, type Write } from './causality.ts';
import { type AttributeResult, attributeNames, findNewestStamp, type Particle } from './particle.ts';
import type { Register } from './register.ts';
import type { Stamp } from './stamp.ts';

/** Which side of a conflict the field has kept. */
export const resolutions = ['kept_local', 'used_remote', 'merged'] as const;
export type Resolution = (typeof resolutions)[number];

/** The attributes of a particle that were written concurrently; `null` for a removal. */
type ParticleValue = ParticleAttributes | null;

export interface ConflictingWrite<Value = number | ParticleValue> {
  readonly device: DeviceId;
  readonly counter: number;
  readonly timestamp: number;
  readonly value: Value;
}

/** A conflict of an update in one cell or particle. `local` is the applied write, `remote` the update that arrived. */
export interface Conflict {
  /** `"x,y"` or `"particle/<id>"`. */
  readonly cell: string;
  readonly local: ConflictingWrite;
  readonly remote: ConflictingWrite;
  readonly resolution: Resolution;
  /** The version of the update that arrived. */
  readonly version: number;
  /** Its log time in ms. */
  readonly time: number;
}

export function recordCellConflict(
  cell: string,
  before: Register<number>,
  value: number,
  write: Write,
  isWinner: boolean,
  time: number,
): Conflict {
  return {
    cell,
    local: toConflictingWrite(before.stamp, before.value),
    remote: toConflictingWrite(write, value),
    resolution: isWinner ? 'used_remote' : 'kept_local',
    version: write.version,
    time,
  };
}

/** The conflict of a put or remove with the applied writes of the particle; undefined if there is none. */
export function recordParticleConflict(
  particle: Particle,
  results: readonly AttributeResult[],
  write: Write,
  isRemoval: boolean,
  time: number,
): Conflict | undefined {
  const contended = results.filter(({ result }) => result === 'won' || result === 'lost');
  if (contended.length === 0) return undefined;
  const localStamp = findNewestStamp(contended.map(({ before }) => before));
  const isLocalRemoved = contended.some(({ name, before }) => name === 'exists' && before?.value === false);
  return {
    cell: `particle/${particle.id}`,
    local: toConflictingWrite(
      localStamp,
      isLocalRemoved ? null : collectValues(contended.map(({ name, before }) => [name, before?.value])),
    ),
    remote: toConflictingWrite(
      write,
      isRemoval ? null : collectValues(contended.map(({ name, value }) => [name, value])),
    ),
    resolution: resolveConflict(particle, contended, write),
    version: write.version,
    time,
  };
}

/** `merged` if the particle now has values of both the update and the devices that it conflicts with. */
function resolveConflict(particle: Particle, contended: readonly AttributeResult[], write: Write): Resolution {
  const existence = contended.find(({ name }) => name === 'exists');
  if (existence && (existence.value === false) === (existence.result === 'won')) {
    // The particle is removed: the removal has won every attribute.
    return existence.result === 'won' ? 'used_remote' : 'kept_local';
  }
  const stamps = attributeNames.flatMap((name) => {
    const register = particle.attributes[name];
    return register && register.value !== null ? [register.stamp] : [];
  });
  const hasRemote = stamps.some((stamp) => stamp.version === write.version);
  const contendingDevices = new Set(contended.map(({ before }) => before?.stamp.device));
  const hasLocal = stamps.some(
    (stamp) => contendingDevices.has(stamp.device) && compareCausally(write, stamp) === 'concurrent',
  );
  if (hasRemote && hasLocal) return 'merged';
  if (contended.every(({ result }) => result === 'lost')) return 'kept_local';
  return contended.every(({ result }) => result === 'won') ? 'used_remote' : 'merged';
}

function toConflictingWrite<Value>(
  { device, counter, timestamp }: Stamp | Write,
  value: Value,
): ConflictingWrite<Value> {
  return { device, counter, timestamp, value };
}

function collectValues(entries: readonly (readonly [string, unknown])[]): ParticleAttributes {
  return Object.fromEntries(
    entries.filter(([name, value]) => name !== 'exists' && value !== null && value !== undefined),
  );
}

/** The resolution of an update with several conflicts; undefined without conflicts. */
export function combineResolutions(conflicts: readonly Conflict[]): Resolution | undefined {
  const [first, ...rest] = conflicts;
  if (!first) return undefined;
  return rest.every(({ resolution }) => resolution === first.resolution) ? first.resolution : 'merged';
}

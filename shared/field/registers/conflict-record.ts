/** What is recorded when concurrent writes met: both values, and which of them stands. */

import type { DeviceId } from '../ids.ts';
import type { ParticleAttributes } from '../update.ts';
import { relate, type Write } from './causality.ts';
import { type AttributeVerdict, attributeNames, newestStamp, type Particle } from './particle.ts';
import type { Register } from './register.ts';
import type { Stamp } from './stamp.ts';

export type Resolution = 'kept_local' | 'used_remote' | 'merged';

/** The contended attributes of a particle; `null` for a removal. */
type ParticleValue = ParticleAttributes | null;

export interface Side<Value = number | ParticleValue> {
  readonly device: DeviceId;
  readonly counter: number;
  readonly timestamp: number;
  readonly value: Value;
}

/** One per cell or particle that an update contended. Local is what stood, remote is the update that came. */
export interface Conflict {
  /** `"x,y"` or `"particle/<id>"`. */
  readonly cell: string;
  readonly local: Side;
  readonly remote: Side;
  readonly resolution: Resolution;
  /** The field version of the update that came. */
  readonly version: number;
  /** Its log time in ms. */
  readonly time: number;
}

export function cellConflict(
  cell: string,
  before: Register<number>,
  value: number,
  write: Write,
  won: boolean,
  time: number,
): Conflict {
  return {
    cell,
    local: sideOf(before.stamp, before.value),
    remote: sideOf(write, value),
    resolution: won ? 'used_remote' : 'kept_local',
    version: write.version,
    time,
  };
}

/** The conflict of a put or remove with what stood in the particle, if there was one. */
export function particleConflict(
  particle: Particle,
  verdicts: readonly AttributeVerdict[],
  write: Write,
  isRemoval: boolean,
  time: number,
): Conflict | undefined {
  const contended = verdicts.filter(({ verdict }) => verdict === 'won' || verdict === 'lost');
  if (contended.length === 0) return undefined;
  const localStamp = newestStamp(contended.map(({ before }) => before));
  const localRemoved = contended.some(({ name, before }) => name === 'exists' && before?.value === false);
  return {
    cell: `particle/${particle.id}`,
    local: sideOf(
      localStamp,
      localRemoved ? null : valuesOf(contended.map(({ name, before }) => [name, before?.value])),
    ),
    remote: sideOf(write, isRemoval ? null : valuesOf(contended.map(({ name, value }) => [name, value]))),
    resolution: resolve(particle, contended, write),
    version: write.version,
    time,
  };
}

/** `merged` when the particle now holds something of the update, and of those whose writes it contended. */
function resolve(particle: Particle, contended: readonly AttributeVerdict[], write: Write): Resolution {
  const existence = contended.find(({ name }) => name === 'exists');
  if (existence && (existence.value === false) === (existence.verdict === 'won')) {
    // The particle is gone: whoever removed it got all of it.
    return existence.verdict === 'won' ? 'used_remote' : 'kept_local';
  }
  const stamps = attributeNames.flatMap((name) => {
    const register = particle.attributes[name];
    return register && register.value !== null ? [register.stamp] : [];
  });
  const holdsRemote = stamps.some((stamp) => stamp.version === write.version);
  const sides = new Set(contended.map(({ before }) => before?.stamp.device));
  const holdsLocal = stamps.some((stamp) => sides.has(stamp.device) && relate(write, stamp) === 'concurrent');
  if (holdsRemote && holdsLocal) return 'merged';
  if (contended.every(({ verdict }) => verdict === 'lost')) return 'kept_local';
  return contended.every(({ verdict }) => verdict === 'won') ? 'used_remote' : 'merged';
}

function sideOf<Value>({ device, counter, timestamp }: Stamp | Write, value: Value): Side<Value> {
  return { device, counter, timestamp, value };
}

function valuesOf(entries: readonly (readonly [string, unknown])[]): ParticleAttributes {
  return Object.fromEntries(
    entries.filter(([name, value]) => name !== 'exists' && value !== null && value !== undefined),
  );
}

/** One resolution for an update that met several conflicts. */
export function overallResolution(conflicts: readonly Conflict[]): Resolution | undefined {
  const [first, ...rest] = conflicts;
  if (!first) return undefined;
  return rest.every(({ resolution }) => resolution === first.resolution) ? first.resolution : 'merged';
}

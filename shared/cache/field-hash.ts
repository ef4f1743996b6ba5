/**
 * The format of the Redis hash that holds the copy of a field: one entry for the cursor, one for the header and one for every
 * particle and cell. A value alone identifies its entry, so that a reader can use `HVALS`, which transfers and parses half as many
 * strings as `HGETALL`. The first character of a value denotes its kind:
 *
 * - `cursor`, the cursor: `<version>.<hash>`
 * - `head`, the header: a JSON object
 * - `p:<id>`, a particle: `p<order> <length of the id> <id><json>`
 * - `c:<x>,<y>`, a cell: `c<x>,<y> <json>`
 */
import { type Cursor, versionOf } from '../field/cursor.ts';
import type { FieldId } from '../field/ids.ts';
import type { CellFragment, ParticleFragment, StateFragments, StateHeader } from './state-fragments.ts';

/** Encodes a state, or the changed part of one, as the alternating names and values of an `HSET`. */
export function encodeHash({ cursor, header, particles, cells }: StateFragments): string[] {
  const entries = ['cursor', cursor, 'head', JSON.stringify(header)];
  for (const { id, order, json } of particles) {
    if (json !== undefined) entries.push(`p:${id}`, `p${order} ${id.length} ${id}${json}`);
  }
  for (const { cell, json } of cells) {
    if (json !== undefined) entries.push(`c:${cell}`, `c${cell} ${json}`);
  }
  return entries;
}

/** Decodes the values of all entries; undefined when the cursor or the header is missing. */
export function decodeHash(field: FieldId, values: readonly string[]): StateFragments | undefined {
  let cursor: Cursor | undefined;
  let header: StateHeader | undefined;
  const particles: ParticleFragment[] = [];
  const cells: CellFragment[] = [];
  for (const value of values) {
    if (value.startsWith('p')) particles.push(decodeParticle(value));
    else if (value.startsWith('c')) {
      const separatorAt = value.indexOf(' ');
      cells.push({ cell: value.slice(1, separatorAt), json: value.slice(separatorAt + 1) });
    } else if (value.startsWith('{')) header = JSON.parse(value) as StateHeader;
    else cursor = value as Cursor;
  }
  if (cursor === undefined || header === undefined) return undefined;
  return { field, version: versionOf(cursor), cursor, header, particles, cells, quantumFieldsChanged: true };
}

function decodeParticle(value: string): ParticleFragment {
  const afterOrder = value.indexOf(' ');
  const afterLength = value.indexOf(' ', afterOrder + 1);
  const idAt = afterLength + 1;
  const jsonAt = idAt + Number(value.slice(afterOrder + 1, afterLength));
  return { id: value.slice(idAt, jsonAt), order: Number(value.slice(1, afterOrder)), json: value.slice(jsonAt) };
}

/** The names of the entries to delete: those of the particles and cells that no longer exist. */
export function listRemovedEntries({ particles, cells }: StateFragments): string[] {
  return [
    ...particles.filter(({ json }) => json === undefined).map(({ id }) => `p:${id}`),
    ...cells.filter(({ json }) => json === undefined).map(({ cell }) => `c:${cell}`),
  ];
}

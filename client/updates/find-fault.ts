/**
 * Validates the content of an update by the rules of the protocol. The client cannot use the schemas of `shared/contract`, whose
 * library is larger than the client; a test holds both to the same results.
 */

import {
  maxCellsPerUpdate,
  maxConnections,
  maxContentLength,
  maxParticleIdLength,
} from '../../shared/contract/wire.ts';
import { eventTypes } from '../../shared/field/update.ts';
import { type Check, isNatural, isString, isUnit, isVector, listOf, shape } from './checks.ts';

type Fields = Readonly<Record<string, unknown>>;

/** With the flag `u`, the pattern matches only surrogates that are not part of a pair. */
const isText =
  (min: number, max: number): Check =>
  (value) =>
    isString(value) &&
    value.length >= min &&
    value.length <= max &&
    !value.includes('\0') &&
    !/[\ud800-\udfff]/u.test(value);
const hasThreeKeys: Check = (value) => Object.keys(Object(value)).length === 3;
const isCellShape = shape({ x: isNatural, y: isNatural, value: isUnit });
const isCell: Check = (value) => isCellShape(value) && hasThreeKeys(value);

const id = isText(1, maxParticleIdLength);
const vector: Check = (value) => isVector(value) && hasThreeKeys(value);
const connections: Check = (value) => listOf(id)(value) && (value as unknown[]).length <= maxConnections;
const cells: Check = (value) => {
  if (!listOf(isCell)(value)) return false;
  const names = (value as { x: number; y: number }[]).map(({ x, y }) => `${x},${y}`);
  return names.length > 0 && names.length <= maxCellsPerUpdate && new Set(names).size === names.length;
};
const type: Check = (value) => eventTypes.includes(value as never);

const rules = new Map<unknown, Readonly<Record<string, Check>>>([
  [
    'particle.put',
    { id, position: vector, velocity: vector, resonance: isUnit, content: isText(0, maxContentLength), connections },
  ],
  ['particle.remove', { id }],
  ['cells.set', { cells }],
  ['event', { type, intensity: isUnit }],
]);
const required = ['id', 'cells', 'type'];

/** @returns the key of the value that no server accepts. Cells outside the grid pass, since only the server has its size */
export function findFault({ kind, ...content }: Fields): string | undefined {
  const expected = rules.get(kind);
  if (!expected) return 'kind';
  return (
    Object.keys(content).find((key) => !Object.hasOwn(expected, key)) ??
    Object.keys(expected).find((key) => {
      const value = content[key];
      return value === undefined ? required.includes(key) : !expected[key]?.(value);
    })
  );
}

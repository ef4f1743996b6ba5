/**
 * What is wrong with the content of an update, by the rules of the protocol. The client cannot use the schemas of
 * `shared/contract`, whose library is larger than the client; a test holds both to the same results.
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
type Rule = readonly [isValid: Check, description: string];

/** With the flag `u`, the pattern matches only surrogates that are not part of a pair. */
const isText =
  (min: number, max: number): Check =>
  (value) =>
    isString(value) &&
    value.length >= min &&
    value.length <= max &&
    !value.includes('\0') &&
    !/[\ud800-\udfff]/u.test(value);
const isId = isText(1, maxParticleIdLength);
const isCell = shape({ x: isNatural, y: isNatural, value: isUnit });
const hasThreeKeys = (value: unknown) => Object.keys(Object(value)).length === 3;

const id: Rule = [isId, `text of 1 to ${maxParticleIdLength} characters`];
const unit: Rule = [isUnit, 'a number from 0 to 1'];
const vector: Rule = [(value) => isVector(value) && hasThreeKeys(value), '{x, y, z} with finite numbers'];
const connections: Rule = [
  (value) => listOf(isId)(value) && (value as unknown[]).length <= maxConnections,
  `at most ${maxConnections} ids`,
];
const cells: Rule = [
  (value) => {
    if (!listOf((cell) => isCell(cell) && hasThreeKeys(cell))(value)) return false;
    const names = (value as { x: number; y: number }[]).map(({ x, y }) => `${x},${y}`);
    return names.length > 0 && names.length <= maxCellsPerUpdate && new Set(names).size === names.length;
  },
  `1 to ${maxCellsPerUpdate} different cells {x, y, value}`,
];

const rules = new Map<unknown, Readonly<Record<string, Rule>>>([
  [
    'particle.put',
    {
      id,
      position: vector,
      velocity: vector,
      resonance: unit,
      content: [isText(0, maxContentLength), `text of at most ${maxContentLength} characters`],
      connections,
    },
  ],
  ['particle.remove', { id }],
  ['cells.set', { cells }],
  [
    'event',
    {
      type: [(value) => eventTypes.includes(value as never), `one of ${eventTypes}`],
      intensity: unit,
    },
  ],
]);
const required = ['id', 'cells', 'type'];

/** @returns undefined if the content is valid, apart from the size of the grid, which only the server has */
export function findFault({ kind, ...content }: Fields): string | undefined {
  const expected = rules.get(kind);
  if (!expected) return 'kind is not supported';
  for (const key of Object.keys(content)) if (!Object.hasOwn(expected, key)) return `${key} is not an attribute`;
  for (const [key, [isValid, description]] of Object.entries(expected)) {
    const value = content[key];
    if (value === undefined ? required.includes(key) : !isValid(value)) return `${key} must be ${description}`;
  }
  return undefined;
}

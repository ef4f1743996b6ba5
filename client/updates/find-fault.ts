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

type Fields = Readonly<Record<string, unknown>>;
type Rule = readonly [isValid: (value: unknown) => boolean, description: string];

const isNumber = (value: unknown): value is number => Number.isFinite(value);
const isUnit = (value: unknown) => isNumber(value) && value >= 0 && value <= 1;
const isNatural = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const hasOnly = (value: Fields, keys: readonly string[]) => Object.keys(value).every((key) => keys.includes(key));
/** With the flag `u`, the pattern matches only surrogates that are not part of a pair. */
const isText = (value: unknown, min: number, max: number) =>
  typeof value === 'string' &&
  value.length >= min &&
  value.length <= max &&
  !value.includes('\0') &&
  !/[\ud800-\udfff]/u.test(value);
const isId = (value: unknown) => isText(value, 1, maxParticleIdLength);

const axes = ['x', 'y', 'z'];
const vector: Rule = [
  (value) => isFields(value) && hasOnly(value, axes) && axes.every((axis) => isNumber(value[axis])),
  'must be {x, y, z} with finite numbers',
];
const unit: Rule = [isUnit, 'must be a number from 0 to 1'];
const id: Rule = [isId, `must be text of 1 to ${maxParticleIdLength} characters`];

const rules: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  'particle.put': {
    id,
    position: vector,
    velocity: vector,
    resonance: unit,
    content: [(value) => isText(value, 0, maxContentLength), `must be text of at most ${maxContentLength} characters`],
    connections: [
      (value) => Array.isArray(value) && value.length <= maxConnections && value.every(isId),
      `must be at most ${maxConnections} ids`,
    ],
  },
  'particle.remove': { id },
  'cells.set': {
    cells: [
      (value) =>
        Array.isArray(value) &&
        value.length > 0 &&
        value.length <= maxCellsPerUpdate &&
        value.every(isCell) &&
        new Set(value.map(({ x, y }) => `${x},${y}`)).size === value.length,
      `must be 1 to ${maxCellsPerUpdate} different cells {x, y, value} with whole numbers x and y from 0 and values from 0 to 1`,
    ],
  },
  event: {
    type: [(value) => eventTypes.includes(value as never), `must be one of ${eventTypes.join(', ')}`],
    intensity: unit,
  },
};
const required = ['id', 'cells', 'type'];

function isCell(value: unknown): boolean {
  return (
    isFields(value) &&
    hasOnly(value, ['x', 'y', 'value']) &&
    isNatural(value.x) &&
    isNatural(value.y) &&
    isUnit(value.value)
  );
}

/** @returns undefined if the content is valid, apart from the size of the grid, which only the server has */
export function findFault({ kind, ...content }: Fields): string | undefined {
  const expected = Object.hasOwn(rules, String(kind)) ? rules[String(kind)] : undefined;
  if (!expected) return 'kind is not supported';
  for (const key of Object.keys(content)) if (!Object.hasOwn(expected, key)) return `${key} is not an attribute`;
  for (const [key, [isValid, description]] of Object.entries(expected)) {
    const value = content[key];
    if (value === undefined ? required.includes(key) : !isValid(value)) return `${key} ${description}`;
  }
  return undefined;
}

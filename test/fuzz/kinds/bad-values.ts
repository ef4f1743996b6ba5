/** Update bodies with a single defect, verified to be invalid against the schema. */
import { z } from 'zod';
import { createUpdatesSchema } from '../../../shared/contract/update.ts';
import { eventTypes } from '../../../shared/field/update.ts';
import type { Random } from '../../unit/field/support/seeded-random.ts';

const body = z.strictObject({ updates: createUpdatesSchema(30) });

function isValid(text: string): boolean {
  try {
    return body.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}

type Json = Record<string, unknown>;

/** As JSON text, since some cannot be represented as JavaScript values. */
const oddNumbers = [
  ...['1e308', '-1e308', '1e400', '-1e400', '5e-324', '-0', '-1', '1.5', '9007199254740992', '9007199254740993'],
  ...['18446744073709551616', '1e21', '0.1', '-0.0000001', '1.0000000000000002', '"NaN"', '"Infinity"', '"1"', 'null'],
];
const oddTexts = [
  ...['"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\udfff\\ud800"', '""', '"\u202e\u2066"', '"\ufeff"', '"\u0301"'],
  ...['"__proto__"', '"constructor"', '"../../etc/passwd"', `"' or 1=1 --"`, '"{{7*7}}"', '"<script>"', '"\\r\\n"'],
  ...[JSON.stringify('a'.repeat(65)), JSON.stringify('ё'.repeat(2001)), JSON.stringify('🌀'.repeat(20_000))],
];
const oddTypes = [
  'null',
  'true',
  'false',
  '[]',
  '{}',
  '[[]]',
  '{"$ne":null}',
  '[1,2,3]',
  '"text"',
  '0',
  '{"length":9}',
];

/** A random valid update of any kind. */
function anyUpdate(random: Random): Json {
  const origin = { counter: 1 + random.below(900_000), timestamp: random.below(2 ** 40), seen: random.below(5) };
  const id = `p-${random.below(50)}`;
  const vector = () => ({ x: random.next(), y: random.next(), z: random.next() });
  return random.pick<() => Json>([
    () => ({ ...origin, kind: 'particle.remove', id }),
    () => ({ ...origin, kind: 'event', type: random.pick(eventTypes), intensity: random.next() }),
    () => ({
      ...origin,
      kind: 'cells.set',
      cells: [{ x: random.below(30), y: random.below(30), value: random.next() }],
    }),
    () => ({
      ...origin,
      clock: { [`phone-${random.below(9)}`]: random.below(9) },
      ...{ kind: 'particle.put', id, position: vector(), velocity: vector(), resonance: random.next() },
      ...{ content: 'a note', connections: ['p-1', 'p-2'] },
    }),
  ])();
}

const placeholder = 'replaced by text that JSON.stringify would not write';

/** Reproperties a random property at any depth by JSON text. */
function replaceSomewhere(random: Random, root: Json, text: string): string {
  const properties: [Json | unknown[], string | number][] = [];
  const walk = (node: unknown) => {
    if (typeof node !== 'object' || node === null) return;
    for (const key of Object.keys(node)) {
      properties.push([node as Json, key]);
      walk((node as Json)[key]);
    }
  };
  walk(root);
  const [parent, key] = random.pick(properties);
  (parent as Json)[key] = placeholder;
  return JSON.stringify(root).replace(JSON.stringify(placeholder), () => text);
}

function withOdd(random: Random, values: readonly string[]): string {
  for (;;) {
    const text = replaceSomewhere(random, { updates: [anyUpdate(random)] }, random.pick(values));
    if (!isValid(text)) return text;
  }
}

export const withOddNumber = (random: Random) => withOdd(random, oddNumbers);
export const withOddText = (random: Random) => withOdd(random, oddTexts);
export const withOddType = (random: Random) => withOdd(random, oddTypes);

type Corruption = (update: Json, random: Random) => Json;

const cells = (count: number, side: number) =>
  Array.from({ length: count }, (_, at) => ({ x: at % side, y: Math.floor(at / side), value: 0.5 }));
const list = (length: number) => Array.from({ length }, (_, at) => `p-${at}`);
const origin = ({ counter, timestamp }: Json) => ({ counter, timestamp });
const put = (update: Json, attributes: Json) => ({ ...origin(update), kind: 'particle.put', id: 'p', ...attributes });
const set = (update: Json, given: unknown) => ({ ...origin(update), kind: 'cells.set', cells: given });

const corruptions: readonly Corruption[] = [
  (update, random) => ({ ...update, [random.pick(['extra', 'device', 'version', 'field', 'Counter', ''])]: 1 }),
  (update, random) => {
    const { [random.pick(['counter', 'timestamp', 'kind'])]: _, ...rest } = update;
    return rest;
  },
  (update) => ({ ...update, counter: 0 }),
  (update) => ({ ...update, seen: -1 }),
  (update, random) => ({ ...update, kind: random.pick(['particle.PUT', 'particle', 'cells.get', 'drop table']) }),
  (update) => set(update, []),
  (update) => set(update, cells(901, 31)),
  (update) => set(update, [...cells(3, 3), { x: 0, y: 0, value: 1 }]),
  (update, random) => set(update, [{ x: 30 + random.below(1000), y: 0, value: 0.5 }]),
  (update, random) => set(update, [{ x: 0, y: 0, value: 1 + random.next() + Number.EPSILON }]),
  (update) => put(update, { connections: list(65) }),
  (update) => put(update, { content: 'x'.repeat(2001) }),
  (update) => put(update, { id: '' }),
  (update) => put(update, { id: 'x'.repeat(129) }),
  (update) => put(update, { position: { x: 1 } }),
  (update) => put(update, { position: { x: 0, y: 0, z: 0, w: 0 } }),
  (update, random) => put(update, { resonance: -random.next() - Number.EPSILON }),
  (update) => put(update, { clock: Object.fromEntries(list(4097).map((name) => [name, 1])) }),
  (update) => put(update, { clock: { 'not a device': 1 } }),
  (update) => ({ ...origin(update), kind: 'event', type: 'apocalypse' }),
  (update) => ({ ...origin(update), kind: 'event', type: 'bloom', intensity: 2 }),
];

type Batch = (update: Json, random: Random) => unknown;

const batches: readonly Batch[] = [
  () => [],
  (update) => [update, update],
  (update) => [
    { ...update, counter: 2 },
    { ...update, counter: 1 },
  ],
  (update) => Array.from({ length: 501 }, (_, at) => ({ ...update, counter: at + 1 })),
  (update) => ({ 0: update, length: 1 }),
  (update) => [update, null],
  // Satisfies the schema, and is rejected because of the gap in its counters.
  (update) => [{ ...update, counter: 1_000_001 + Number(update.counter) }],
];

/** A valid update or batch with one defect. */
export function withCorruptedUpdate(random: Random): string {
  const update = anyUpdate(random);
  if (random.chance(0.2)) return JSON.stringify({ updates: random.pick(batches)(update, random) });
  const text = JSON.stringify({ updates: [random.pick(corruptions)(update, random)] });
  if (isValid(text)) throw new Error(`the schema accepts ${text}`);
  return text;
}

/** A valid body, for requests with a defect elsewhere. */
export const validBody = (random: Random) => JSON.stringify({ updates: [anyUpdate(random)] });

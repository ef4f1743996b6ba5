/** Bodies of `POST …/updates` that the server accepts, or refuses with `invalid_input`, and where they are wrong. */
import { createUpdatesBodyValidator } from '../../../api/validation/validate-updates.ts';
import { FieldError } from '../../../shared/errors.ts';

const gridSize = 30;

const origin = { counter: 1, timestamp: 1_700_000_000_000 };
const cell = { x: 0, y: 0, value: 0.5 };
const cells = { ...origin, kind: 'cells.set', cells: [cell] };
const particle = { ...origin, kind: 'particle.put', id: 'star' };
const event = { ...origin, kind: 'event', type: 'harmony' };

const clockOf = (entries: number) =>
  Object.fromEntries(Array.from({ length: entries }, (_, at) => [`device-${at}`, at]));

/** Single updates. */
const updates: Readonly<Record<string, object>> = {
  'a cell': cells,
  'a particle without attributes': particle,
  'a particle with all attributes': {
    ...particle,
    position: { x: 1e308, y: -0.5 },
    velocity: { x: 0, y: 0, z: 1 },
    resonance: 1,
    content: '',
    connections: ['a', 'a'],
  },
  'a removal': { ...origin, kind: 'particle.remove', id: 'star' },
  'an event': event,
  'an event with an intensity': { ...event, intensity: 0 },
  'an id of 128 characters': { ...particle, id: '😀'.repeat(64) },
  'a content of 2000 characters': { ...particle, content: '漢'.repeat(2000) },
  'a cursor as seen': { ...cells, seen: '12.9f86d081884c7d65' },
  'a version as seen': { ...cells, seen: 12 },
  'a clock with 64 entries': { ...cells, clock: clockOf(64) },

  'no counter': { timestamp: 1, kind: 'event', type: 'void' },
  'counter 0': { ...event, counter: 0 },
  'a counter that is not an integer': { ...event, counter: 1.5 },
  'a counter above 2^53': { ...event, counter: 9_007_199_254_740_992 },
  'a counter as text': { ...event, counter: '1' },
  'no timestamp': { counter: 1, kind: 'event', type: 'void' },
  'a negative timestamp': { ...event, timestamp: -1 },
  'a timestamp with a fraction': { ...event, timestamp: 0.5 },
  'a negative version as seen': { ...event, seen: -1 },
  'a cursor without a hash': { ...event, seen: '12' },
  'a cursor in capitals': { ...event, seen: '12.9F86D081884C7D65' },
  'a clock with 65 entries': { ...event, clock: clockOf(65) },
  'a clock with a negative counter': { ...event, clock: { a: -1 } },
  'a clock with an invalid device': { ...event, clock: { 'a b': 1 } },
  'no kind': origin,
  'an unknown kind': { ...origin, kind: 'particle.move', id: 'star' },
  'an unknown key': { ...event, colour: 'red' },
  'a key of another kind': { ...event, id: 'star' },
  'no id': { ...origin, kind: 'particle.put' },
  'an empty id': { ...particle, id: '' },
  'an id of 129 characters': { ...particle, id: 'x'.repeat(129) },
  'U+0000 in an id': { ...particle, id: 'a\u0000' },
  'a lone surrogate in an id': { ...particle, id: 'a\ud800' },
  'U+0000 in a content': { ...particle, content: '\u0000' },
  'a lone surrogate in a content': { ...particle, content: '\udc00 text' },
  'a content of 2001 characters': { ...particle, content: 'x'.repeat(2001) },
  'a content that is null': { ...particle, content: null },
  'a position without y': { ...particle, position: { x: 1 } },
  'a position with an unknown key': { ...particle, position: { x: 1, y: 2, w: 3 } },
  'a position as a list': { ...particle, position: [1, 2, 3] },
  'a resonance above 1': { ...particle, resonance: 1.0000001 },
  'a negative resonance': { ...particle, resonance: -0.1 },
  'a connection that is empty': { ...particle, connections: ['a', ''] },
  '65 connections': { ...particle, connections: Array.from({ length: 65 }, (_, at) => `p${at}`) },
  'no cells': { ...cells, cells: [] },
  'a cell twice': { ...cells, cells: [cell, { ...cell, value: 1 }] },
  'a cell outside the grid': { ...cells, cells: [cell, { x: 30, y: 0, value: 0 }] },
  'a cell with a fraction': { ...cells, cells: [{ x: 0.5, y: 0, value: 0 }] },
  'a cell without a value': { ...cells, cells: [{ x: 0, y: 0 }] },
  'a cell with a value above 1': { ...cells, cells: [{ x: 1, y: 0, value: 2 }] },
  'a cell with an unknown key': { ...cells, cells: [{ ...cell, z: 0 }] },
  'an unknown event': { ...event, type: 'rain' },
  'an intensity above 1': { ...event, intensity: 1.5 },
};

/** Whole bodies. */
const bodies: Readonly<Record<string, unknown>> = {
  'counters that rise': { updates: [event, { ...event, counter: 7 }] },
  'a list': [event],
  'no updates': { updates: [] },
  'updates that are no list': { updates: event },
  'an unknown key beside the updates': { updates: [event], field: 'global' },
  'counters that fall': { updates: [{ ...event, counter: 2 }, event] },
  'a counter twice': { updates: [event, event] },
  'two wrong updates among three': {
    updates: [
      { ...event, type: 'x' },
      { ...event, counter: 2 },
      { ...cells, counter: 3, cells: [] },
    ],
  },
};

export async function createValidationVectors(): Promise<object> {
  const validate = createUpdatesBodyValidator(gridSize);
  const entries = Object.entries({
    ...Object.fromEntries(Object.entries(updates).map(([name, update]) => [name, { updates: [update] }])),
    ...bodies,
  });
  const cases: object[] = [];
  for (const [name, value] of entries) {
    const body = JSON.parse(JSON.stringify(value)) as unknown;
    const wrong = await validate(structuredClone(body)).then(() => undefined, findWrongPaths);
    cases.push({ name, body, ...(wrong ? { code: 'invalid_input', wrong } : { accepted: true }) });
  }
  return { gridSize, cases };
}

/** @returns the paths of the errors, each once */
function findWrongPaths(error: unknown): string[] {
  if (!(error instanceof FieldError)) throw error;
  return [...new Set((error.errors ?? []).map(({ path }) => path))];
}

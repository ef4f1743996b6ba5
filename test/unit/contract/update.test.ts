import t from 'tap';
import { createUpdateSchema } from '../../../shared/contract/update.ts';
import { eventTypes } from '../../../shared/field/update.ts';
import { cells, event, firstErrorPath, put, remove, throughJson, validationErrors } from './valid-updates.ts';

const schema = createUpdateSchema(30);
const grid = (count: number, size = 30) =>
  Array.from({ length: count }, (_, index) => ({ x: index % size, y: Math.floor(index / size), value: 1 }));

const accepted: [string, unknown][] = [
  ['only the id of a particle.put', put],
  [
    'every attribute of a particle.put',
    {
      ...put,
      position: { x: -1.5, y: 1e308, z: 3 },
      velocity: { x: 0, y: 0, z: 0 },
      resonance: 0.7,
      content: 'hello',
      connections: ['a', 'a', 'star-1'],
    },
  ],
  ['a resonance of 0', { ...put, resonance: 0 }],
  ['a resonance of 1', { ...put, resonance: 1 }],
  ['an empty content', { ...put, content: '' }],
  ['a content of 2000 characters', { ...put, content: 'x'.repeat(2000) }],
  ['64 connections', { ...put, connections: Array.from({ length: 64 }, (_, index) => `p${index}`) }],
  ['no connections', { ...put, connections: [] }],
  ['only the id of a particle.remove', remove],
  ['no intensity for an event', event],
  ['an intensity of 0', { ...event, intensity: 0 }],
  ['the cell with the highest coordinates of the grid', { ...cells, cells: [{ x: 29, y: 29, value: 0 }] }],
  ['all 900 cells of the grid', { ...cells, cells: grid(900) }],
  ['both seen and clock', { ...event, seen: 12, clock: { 'phone-2': 3, 'phone-3': 0 } }],
  ['a seen version and a clock far above every known version', { ...event, seen: 9e15, clock: { 'phone-2': 9e15 } }],
  ['an empty clock', { ...event, clock: {} }],
  ['the largest safe integer as the counter', { ...event, counter: Number.MAX_SAFE_INTEGER }],
  ['a timestamp of 0', { ...event, timestamp: 0 }],
];
for (const [what, update] of accepted) {
  t.test(`an update is accepted with ${what}`, async (t) => {
    t.strictSame(validationErrors(schema, throughJson(update)), []);
  });
}

const refused: [string, unknown, string][] = [
  ['an unknown kind', { ...put, kind: 'particle.move' }, 'kind'],
  ['no kind', { ...put, kind: undefined }, 'kind'],
  ['no counter', { ...put, counter: undefined }, 'counter'],
  ['a counter of 0', { ...put, counter: 0 }, 'counter'],
  ['a fractional counter', { ...put, counter: 1.5 }, 'counter'],
  ['a counter that is a string', { ...put, counter: '1' }, 'counter'],
  ['a counter above the safe integers', { ...put, counter: 2 ** 53 }, 'counter'],
  ['no timestamp', { ...put, timestamp: undefined }, 'timestamp'],
  ['a negative timestamp', { ...put, timestamp: -1 }, 'timestamp'],
  ['a fractional timestamp', { ...put, timestamp: 0.5 }, 'timestamp'],
  ['a negative seen', { ...put, seen: -1 }, 'seen'],
  ['a seen of null', { ...put, seen: null }, 'seen'],
  ['an invalid device id in the clock', { ...put, clock: { 'a b': 1 } }, 'clock/a b'],
  ['a negative counter in the clock', { ...put, clock: { a: -1 } }, 'clock/a'],
  ['a fractional counter in the clock', { ...put, clock: { a: 1.5 } }, 'clock/a'],
  ['an array as the clock', { ...put, clock: [1] }, 'clock'],
  ['an unknown key', { ...put, device: 'phone-1' }, ''],
  ['a key of another kind of update', { ...remove, content: 'x' }, ''],
  ['an unknown key in a vector', { ...put, position: { x: 0, y: 0, z: 0, w: 0 } }, 'position'],
  ['an unknown key in a cell', { ...cells, cells: [{ x: 0, y: 0, value: 0, z: 0 }] }, 'cells/0'],
  ['no id for a particle.put', { ...put, id: undefined }, 'id'],
  ['an empty id', { ...put, id: '' }, 'id'],
  ['a vector without y', { ...put, position: { x: 0 } }, 'position/y'],
  ['a position of null', { ...put, position: null }, 'position'],
  ['a string instead of a number', { ...put, velocity: { x: '0', y: 0, z: 0 } }, 'velocity/x'],
  ['a resonance above 1', { ...put, resonance: 1.0000001 }, 'resonance'],
  ['a resonance below 0', { ...put, resonance: -0.0000001 }, 'resonance'],
  ['a content of 2001 characters', { ...put, content: 'x'.repeat(2001) }, 'content'],
  ['a content of null', { ...put, content: null }, 'content'],
  ['65 connections', { ...put, connections: Array.from({ length: 65 }, (_, index) => `p${index}`) }, 'connections'],
  ['an empty connection id', { ...put, connections: ['a', ''] }, 'connections/1'],
  ['no type for an event', { ...event, type: undefined }, 'type'],
  ['an unknown event type', { ...event, type: 'explosion' }, 'type'],
  ['an intensity above 1', { ...event, intensity: 1.1 }, 'intensity'],
  ['no cells', { ...cells, cells: [] }, 'cells'],
  ['a column outside the grid', { ...cells, cells: [{ x: 30, y: 0, value: 0 }] }, 'cells/0/x'],
  ['a row outside the grid', { ...cells, cells: [{ x: 0, y: 30, value: 0 }] }, 'cells/0/y'],
  ['a negative row', { ...cells, cells: [{ x: 0, y: -1, value: 0 }] }, 'cells/0/y'],
  ['a fractional column', { ...cells, cells: [{ x: 0.5, y: 0, value: 0 }] }, 'cells/0/x'],
  ['a cell value above 1', { ...cells, cells: [{ x: 0, y: 0, value: 1.5 }] }, 'cells/0/value'],
  ['the same cell twice', { ...cells, cells: [...grid(3), { x: 1, y: 0, value: 0 }] }, 'cells'],
  ['an array instead of an object', [put], ''],
  ['null instead of an object', null, ''],
];
for (const [what, update, path] of refused) {
  t.test(`an update is refused with ${what}`, async (t) => {
    t.equal(firstErrorPath(schema, throughJson(update)), path);
  });
}

t.test('each of the nine event types is accepted', async (t) => {
  t.equal(eventTypes.length, 9);
  for (const type of eventTypes) t.strictSame(validationErrors(schema, { ...event, type }), []);
});

t.test('a number that JSON.parse reads as infinity is refused in every property', async (t) => {
  const texts = {
    'position/x': '{"kind":"particle.put","id":"p","counter":1,"timestamp":1,"position":{"x":1e400,"y":0}}',
    resonance: '{"kind":"particle.put","id":"p","counter":1,"timestamp":1,"resonance":-1e400}',
    timestamp: '{"kind":"event","type":"void","counter":1,"timestamp":1e400}',
    counter: '{"kind":"event","type":"void","counter":1e400,"timestamp":1}',
    seen: '{"kind":"event","type":"void","counter":1,"timestamp":1,"seen":1e400}',
    'clock/a': '{"kind":"event","type":"void","counter":1,"timestamp":1,"clock":{"a":1e400}}',
    intensity: '{"kind":"event","type":"void","counter":1,"timestamp":1,"intensity":1e400}',
  };
  for (const [path, text] of Object.entries(texts)) t.equal(firstErrorPath(schema, JSON.parse(text)), path);
  t.equal(firstErrorPath(schema, { ...put, position: { x: Number.NaN, y: 0 } }), 'position/x');
});

t.test('U+0000 and lone surrogates are refused in every string, and the message names them', async (t) => {
  for (const [bad, name] of [
    ['a\u0000b', 'U+0000'],
    ['a\ud800b', 'lone surrogate'],
    ['\udc00', 'lone surrogate'],
  ] as const) {
    for (const update of [
      { ...put, content: bad },
      { ...put, id: bad },
      { ...remove, id: bad },
      { ...put, connections: ['fine', bad] },
    ]) {
      const [error] = validationErrors(schema, throughJson(update));
      t.ok(error?.message.includes(name), `${JSON.stringify(update)}: ${error?.message}`);
    }
  }
});

t.test('a string is preserved byte for byte', async (t) => {
  for (const content of [
    '  spaces  ',
    '<script>alert(1)</script>',
    '\u{1f30c}\u0001\n\t',
    'e\u0301 is not \u00e9',
    '__proto__',
  ]) {
    const parsed = schema.parse(throughJson({ ...put, content, id: content, connections: [content] }));
    t.strictSame(parsed, { ...put, seen: 0, content, id: content, connections: [content] });
  }
});

t.test('z and seen default to 0, and no other property has a default', async (t) => {
  t.strictSame(schema.parse({ ...put, position: { x: 1, y: 2 } }), { ...put, position: { x: 1, y: 2, z: 0 }, seen: 0 });
  t.strictSame(schema.parse(event), { ...event, seen: 0 });
});

t.test('a clock keeps the entries of devices that are named like inherited properties', async (t) => {
  const names = ['a', 'constructor', 'toString', 'hasOwnProperty'];
  const clock = Object.fromEntries(names.map((name, index) => [name, index + 1]));
  const parsed = schema.parse(throughJson({ ...event, clock }));
  t.strictSame(Object.entries(parsed.clock ?? {}).sort(), Object.entries(clock).sort());
});

t.test('the schema limits coordinates to its grid size and an update to 900 cells', async (t) => {
  const wide = createUpdateSchema(100);
  t.strictSame(validationErrors(wide, { ...cells, cells: [{ x: 99, y: 99, value: 0 }] }), []);
  t.strictSame(validationErrors(wide, { ...cells, cells: grid(900, 100) }), []);
  t.equal(firstErrorPath(wide, { ...cells, cells: grid(901, 100) }), 'cells');
  t.equal(firstErrorPath(createUpdateSchema(5), { ...cells, cells: [{ x: 5, y: 0, value: 0 }] }), 'cells/0/x');
  const neighbours = [
    { x: 0, y: 99, value: 0 },
    { x: 1, y: 0, value: 0 },
    { x: 99, y: 0, value: 0 },
  ];
  t.strictSame(
    validationErrors(wide, { ...cells, cells: neighbours }),
    [],
    'neighbouring cells are not taken for duplicates',
  );
});

import t from 'tap';
import { createUpdateSchema } from '../../../shared/contract/update.ts';
import { eventTypes } from '../../../shared/field/update.ts';
import { cells, event, put, refusals, refusedAt, remove, throughJson } from './valid-updates.ts';

const schema = createUpdateSchema(30);
const grid = (count: number, size = 30) =>
  Array.from({ length: count }, (_, index) => ({ x: index % size, y: Math.floor(index / size), value: 1 }));

const accepted: [string, unknown][] = [
  ['a put that brings nothing but its id', put],
  [
    'a put that brings everything',
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
  ['an empty text', { ...put, content: '' }],
  ['a text of 2000 characters', { ...put, content: 'x'.repeat(2000) }],
  ['64 connections', { ...put, connections: Array.from({ length: 64 }, (_, index) => `p${index}`) }],
  ['no connections', { ...put, connections: [] }],
  ['a remove', remove],
  ['an event without intensity', event],
  ['an intensity of 0', { ...event, intensity: 0 }],
  ['the cell in the far corner of the grid', { ...cells, cells: [{ x: 29, y: 29, value: 0 }] }],
  ['all 900 cells of the grid', { ...cells, cells: grid(900) }],
  ['seen and clock together', { ...event, seen: 12, clock: { 'phone-2': 3, 'phone-3': 0 } }],
  ['a clock that claims the future', { ...event, seen: 9e15, clock: { 'phone-2': 9e15 } }],
  ['an empty clock', { ...event, clock: {} }],
  ['a counter far on', { ...event, counter: Number.MAX_SAFE_INTEGER }],
  ['a timestamp of 0', { ...event, timestamp: 0 }],
];
for (const [what, update] of accepted) {
  t.test(`accepted: ${what}`, async (t) => {
    t.strictSame(refusals(schema, throughJson(update)), []);
  });
}

const refused: [string, unknown, string][] = [
  ['a kind that does not exist', { ...put, kind: 'particle.move' }, 'kind'],
  ['an update without a kind', { ...put, kind: undefined }, 'kind'],
  ['no counter', { ...put, counter: undefined }, 'counter'],
  ['a counter of 0', { ...put, counter: 0 }, 'counter'],
  ['a counter between integers', { ...put, counter: 1.5 }, 'counter'],
  ['a counter as text', { ...put, counter: '1' }, 'counter'],
  ['a counter beyond the safe integers', { ...put, counter: 2 ** 53 }, 'counter'],
  ['no timestamp', { ...put, timestamp: undefined }, 'timestamp'],
  ['a negative timestamp', { ...put, timestamp: -1 }, 'timestamp'],
  ['a timestamp between integers', { ...put, timestamp: 0.5 }, 'timestamp'],
  ['a negative seen', { ...put, seen: -1 }, 'seen'],
  ['a seen of null', { ...put, seen: null }, 'seen'],
  ['a clock with a device that cannot be', { ...put, clock: { 'a b': 1 } }, 'clock/a b'],
  ['a clock with a negative counter', { ...put, clock: { a: -1 } }, 'clock/a'],
  ['a clock with a counter between integers', { ...put, clock: { a: 1.5 } }, 'clock/a'],
  ['a clock that is a list', { ...put, clock: [1] }, 'clock'],
  ['a key that is unknown', { ...put, device: 'phone-1' }, ''],
  ['a key of another kind', { ...remove, content: 'x' }, ''],
  ['a key that is unknown in a vector', { ...put, position: { x: 0, y: 0, z: 0, w: 0 } }, 'position'],
  ['a key that is unknown in a cell', { ...cells, cells: [{ x: 0, y: 0, value: 0, z: 0 }] }, 'cells/0'],
  ['a put without an id', { ...put, id: undefined }, 'id'],
  ['an empty id', { ...put, id: '' }, 'id'],
  ['a vector without y', { ...put, position: { x: 0 } }, 'position/y'],
  ['a position of null', { ...put, position: null }, 'position'],
  ['a number as text', { ...put, velocity: { x: '0', y: 0, z: 0 } }, 'velocity/x'],
  ['a resonance above 1', { ...put, resonance: 1.0000001 }, 'resonance'],
  ['a resonance below 0', { ...put, resonance: -0.0000001 }, 'resonance'],
  ['a text of 2001 characters', { ...put, content: 'x'.repeat(2001) }, 'content'],
  ['a content of null', { ...put, content: null }, 'content'],
  ['65 connections', { ...put, connections: Array.from({ length: 65 }, (_, index) => `p${index}`) }, 'connections'],
  ['a connection without a name', { ...put, connections: ['a', ''] }, 'connections/1'],
  ['an event of no type', { ...event, type: undefined }, 'type'],
  ['an event of an unknown type', { ...event, type: 'explosion' }, 'type'],
  ['an intensity above 1', { ...event, intensity: 1.1 }, 'intensity'],
  ['no cells', { ...cells, cells: [] }, 'cells'],
  ['a column outside the grid', { ...cells, cells: [{ x: 30, y: 0, value: 0 }] }, 'cells/0/x'],
  ['a row outside the grid', { ...cells, cells: [{ x: 0, y: 30, value: 0 }] }, 'cells/0/y'],
  ['a row below the grid', { ...cells, cells: [{ x: 0, y: -1, value: 0 }] }, 'cells/0/y'],
  ['a place between cells', { ...cells, cells: [{ x: 0.5, y: 0, value: 0 }] }, 'cells/0/x'],
  ['a value above 1', { ...cells, cells: [{ x: 0, y: 0, value: 1.5 }] }, 'cells/0/value'],
  ['a cell twice', { ...cells, cells: [...grid(3), { x: 1, y: 0, value: 0 }] }, 'cells'],
  ['a list', [put], ''],
  ['nothing', null, ''],
];
for (const [what, update, path] of refused) {
  t.test(`refused: ${what}`, async (t) => {
    t.equal(refusedAt(schema, throughJson(update)), path);
  });
}

t.test('each of the nine types of event is accepted', async (t) => {
  t.equal(eventTypes.length, 9);
  for (const type of eventTypes) t.strictSame(refusals(schema, { ...event, type }), []);
});

t.test('numbers that JSON makes infinite are refused wherever they stand', async (t) => {
  const texts = {
    'position/x': '{"kind":"particle.put","id":"p","counter":1,"timestamp":1,"position":{"x":1e400,"y":0}}',
    resonance: '{"kind":"particle.put","id":"p","counter":1,"timestamp":1,"resonance":-1e400}',
    timestamp: '{"kind":"event","type":"void","counter":1,"timestamp":1e400}',
    counter: '{"kind":"event","type":"void","counter":1e400,"timestamp":1}',
    seen: '{"kind":"event","type":"void","counter":1,"timestamp":1,"seen":1e400}',
    'clock/a': '{"kind":"event","type":"void","counter":1,"timestamp":1,"clock":{"a":1e400}}',
    intensity: '{"kind":"event","type":"void","counter":1,"timestamp":1,"intensity":1e400}',
  };
  for (const [path, text] of Object.entries(texts)) t.equal(refusedAt(schema, JSON.parse(text)), path);
  t.equal(refusedAt(schema, { ...put, position: { x: Number.NaN, y: 0 } }), 'position/x');
});

t.test('U+0000 and lone surrogates are refused by name in every text', async (t) => {
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
      const [refusal] = refusals(schema, throughJson(update));
      t.ok(refusal?.message.includes(name), `${JSON.stringify(update)}: ${refusal?.message}`);
    }
  }
});

t.test('text is kept byte for byte', async (t) => {
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

t.test('z defaults to 0 and seen to 0, and nothing else is made up', async (t) => {
  t.strictSame(schema.parse({ ...put, position: { x: 1, y: 2 } }), { ...put, position: { x: 1, y: 2, z: 0 }, seen: 0 });
  t.strictSame(schema.parse(event), { ...event, seen: 0 });
});

t.test('a clock keeps the entry of every device, whatever the device is called', async (t) => {
  const names = ['a', 'constructor', 'toString', 'hasOwnProperty'];
  const clock = Object.fromEntries(names.map((name, index) => [name, index + 1]));
  const parsed = schema.parse(throughJson({ ...event, clock }));
  t.strictSame(Object.entries(parsed.clock ?? {}).sort(), Object.entries(clock).sort());
});

t.test("the grid's size is the schema's, and at most 900 cells come at once on any", async (t) => {
  const wide = createUpdateSchema(100);
  t.strictSame(refusals(wide, { ...cells, cells: [{ x: 99, y: 99, value: 0 }] }), []);
  t.strictSame(refusals(wide, { ...cells, cells: grid(900, 100) }), []);
  t.equal(refusedAt(wide, { ...cells, cells: grid(901, 100) }), 'cells');
  t.equal(refusedAt(createUpdateSchema(5), { ...cells, cells: [{ x: 5, y: 0, value: 0 }] }), 'cells/0/x');
  const neighbours = [
    { x: 0, y: 99, value: 0 },
    { x: 1, y: 0, value: 0 },
    { x: 99, y: 0, value: 0 },
  ];
  t.strictSame(refusals(wide, { ...cells, cells: neighbours }), [], 'places are told apart');
});

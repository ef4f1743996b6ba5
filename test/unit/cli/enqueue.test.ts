import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { awaitReceipts } from '../../../cli/enqueue/await-receipts.ts';
import { createEnqueueCounts } from '../../../cli/enqueue/counts.ts';
import { InFlight } from '../../../cli/enqueue/in-flight.ts';
import { groupByDevice, groupUpdates } from '../../../cli/enqueue/input/group-jobs.ts';
import { LineReport } from '../../../cli/enqueue/input/line-report.ts';
import { createRecordMap } from '../../../cli/enqueue/input/map-record.ts';
import { fileInput } from '../../../cli/enqueue/input/open-inputs.ts';
import type { DeviceUpdate } from '../../../cli/enqueue/input/parse-line.ts';
import { type Line, readLines } from '../../../cli/enqueue/input/read-lines.ts';
import { type InputFormat, recordReaders } from '../../../cli/enqueue/input/read-records.ts';
import { describeRest } from '../../../cli/enqueue/progress.ts';
import type { EnqueueBackends } from '../../../cli/enqueue/resilient-backends.ts';
import { WrittenParticles } from '../../../cli/enqueue/written-particles.ts';
import { maxRequestBytes } from '../../../shared/contract/wire.ts';
import { asDevice, asField, putParticle, removeParticle, setCell } from '../../support/updates.ts';
import { withFolder } from '../../support/with-folder.ts';

const never = new AbortController().signal;
const location = { file: 'a', line: 1 };
const sent = (device: string, counter: number, size = 100): DeviceUpdate => ({
  ...{ location, size, device: asDevice(device) },
  update: setCell(counter, 1, 0.5),
});

t.test('lines are read whole, whatever the pieces that they come in', async (t) => {
  const folder = await withFolder(t);
  const read = async (content: Buffer | string) => {
    const file = join(folder, 'lines');
    await writeFile(file, content);
    const lines: Line[] = [];
    for await (const some of readLines(fileInput(file), never)) lines.push(...some);
    return lines.map((line) => [line.location.line, 'text' in line ? line.text : 'problem' in line && line.problem]);
  };
  t.same(await read(''), []);
  t.same(await read('x'), [[1, 'x']]);
  t.same(await read('\ufeffa\r\n\n  \nb'), [
    [1, 'a'],
    [4, 'b'],
  ]);
  t.same(
    await read(Buffer.concat([gzipSync('a\n'), gzipSync('b\n')])),
    [
      [1, 'a'],
      [2, 'b'],
    ],
    'a gzip of several parts',
  );

  const long = 'é'.repeat(100_000);
  const many = Array.from({ length: 20 }, () => long);
  t.same(
    await read(gzipSync(many.join('\n'))),
    many.map((text, index) => [index + 1, text]),
  );

  const oversized = `${'x'.repeat(3 * maxRequestBytes)}\nb\n${'x'.repeat(maxRequestBytes + 1)}`;
  const problem = `is longer than ${maxRequestBytes} bytes`;
  t.same(await read(oversized), [
    [1, problem],
    [2, 'b'],
    [3, problem],
  ]);

  const trailing = await read(Buffer.concat([gzipSync('a\n'.repeat(200_000)), Buffer.from('more')]));
  t.equal(trailing.length, 200_001, 'bytes after a gzip cost no line');
  t.match(trailing.at(-1), [200_001, 'cannot be read any further: bytes follow the end of the gzip data']);

  t.same(await read(Buffer.concat([gzipSync('a\n'), Buffer.alloc(1000)])), [[1, 'a']], 'padding is no content');
  const damaged = gzipSync('a\n');
  damaged.writeUInt8(damaged.readUInt8(damaged.length - 8) ^ 1, damaged.length - 8);
  t.match(await read(damaged), [
    [1, 'a'],
    [2, /incorrect data check/],
  ]);
  const named = gzipSync('b\n');
  named.writeUInt8(8 + 4, 3);
  const extra = Buffer.from([3, 0, 1, 2, 3, ...Buffer.from('file.txt\0')]);
  t.same(await read(Buffer.concat([named.subarray(0, 10), extra, named.subarray(10)])), [[1, 'b']], 'with a name');

  const whole = gzipSync(Array.from({ length: 50_000 }, (_, index) => `${index}`).join('\n'));
  const cut = await read(whole.subarray(0, whole.length / 2));
  t.ok(cut.length > 1, 'what came before the cut counts');
  t.match(cut.at(-1)?.[1], /^cannot be read any further: unexpected end of file/);
});

t.test('a job holds rising counters of one device, and no more than a request', async (t) => {
  const sizes = (updates: DeviceUpdate[], max: number) => groupUpdates(updates, max).map((group) => group.length);
  t.same(sizes([], 10), []);
  t.same(sizes([sent('a', 1), sent('a', 2), sent('b', 1), sent('a', 3)], 10), [2, 1, 1]);
  t.same(sizes([sent('a', 1), sent('a', 2), sent('a', 3)], 2), [2, 1]);
  t.same(sizes([sent('a', 1), sent('a', 1), sent('a', 3), sent('a', 2)], 10), [1, 2, 1]);
  const third = maxRequestBytes / 3;
  t.same(
    sizes(
      [1, 2, 3, 4].map((counter) => sent('a', counter, third)),
      10,
    ),
    [3, 1],
  );
});

t.test(
  'updates are grouped by device in the order of their counters, unless one has seen a later group of another',
  async (t) => {
    const groups = (updates: DeviceUpdate[], max = 10) =>
      groupByDevice(updates, max).map((group) =>
        group.map(({ device, update }) => `${device}${update.counter}`).join(' '),
      );
    const seeing = (device: string, counter: number, clock: Record<string, number>): DeviceUpdate => {
      const update = sent(device, counter);
      return { ...update, update: { ...update.update, clock } };
    };
    t.same(groups([sent('a', 1), sent('b', 1), sent('a', 2), sent('b', 2)]), ['a1 a2', 'b1 b2']);
    t.same(groups([sent('a', 1), sent('b', 1), sent('a', 2), sent('a', 3)], 2), ['a1 a2', 'b1', 'a3']);
    t.same(groups([sent('a', 1), sent('b', 1), sent('a', 1), sent('a', 3), sent('a', 2)]), ['a1', 'b1', 'a1 a2 a3']);
    t.same(groups([sent('a', 3), sent('b', 2), sent('a', 2), sent('b', 1), sent('a', 1)]), ['a1 a2 a3', 'b1 b2']);
    t.same(groups([sent('a', 1), sent('b', 1), seeing('a', 2, { b: 1 })]), ['a1', 'b1', 'a2']);
    t.same(groups([sent('a', 1), sent('b', 1), seeing('b', 2, { a: 1 }), sent('a', 2)]), ['a1 a2', 'b1 b2']);
    t.same(groups([sent('a', 1), sent('b', 5), seeing('a', 2, { b: 4, a: 1, c: 9 })]), ['a1 a2', 'b5']);
  },
);

t.test('the particles of a run are compared with those that the field holds', async (t) => {
  const written = new WrittenParticles();
  t.equal(written.compare(new Map()), undefined, 'none were written');
  for (const [counter, id] of ['a', 'b', 'b', 'c'].entries()) written.add(putParticle(counter + 1, id));
  written.add(removeParticle(5, 'c'));
  t.same(
    written.compare(
      new Map([
        ['b', 1],
        ['z', 1],
      ]),
    ),
    { written: 2, held: 1, inField: 2 },
  );
});

t.test('a record becomes an update by a map', async (t) => {
  const map = createRecordMap({
    id: '$id',
    device: '$properties.net',
    timestamp: '$properties.time',
    position: { x: '$geometry.coordinates.0', y: '$geometry.coordinates.1' },
    resonance: { from: '$properties.mag', min: 0, max: 10 },
    content: '$properties.place',
  });
  const properties = { net: 'ak', time: '2020-01-02T03:04:05Z', mag: '2.5', place: '' };
  t.same(map({ id: 17, properties, geometry: { coordinates: [1, '2'] } }, 9), {
    ...{ kind: 'particle.put', id: '17', device: 'ak', counter: 9, timestamp: 1_577_934_245_000 },
    ...{ position: { x: 1, y: 2 }, resonance: 0.25 },
  });
  t.same(map({ 'properties.time': 'never', __proto__: { id: 'x' } }, 1), {
    ...{ kind: 'particle.put', counter: 1, timestamp: 'never', position: {} },
  });
});

t.test('CSV, JSON and GeoJSON are read record by record, and bounded', async (t) => {
  const folder = await withFolder(t);
  const read = async (format: InputFormat, content: Buffer | string) => {
    const file = join(folder, 'records');
    await writeFile(file, content);
    const lines: Line[] = [];
    for await (const some of recordReaders[format](fileInput(file), never)) lines.push(...some);
    return lines.map((line) => [line.location.line, 'value' in line ? line.value : 'problem' in line && line.problem]);
  };
  t.same(await read('csv', '\ufeffa, b\r\n1,"x\ny"\r\n\r\n2,é\r\n'), [
    [3, { a: '1', b: 'x\ny' }],
    [5, { a: '2', b: 'é' }],
  ]);
  t.same(await read('csv', gzipSync('a\n1\n')), [[2, { a: '1' }]]);
  const cut = await read('csv', 'a\n1\n"2');
  t.same(cut[0], [2, { a: '1' }], 'what comes before an error counts');
  t.match(cut[1]?.[1], /^cannot be read any further: Quote Not Closed/);
  t.match(
    (await read('csv', `a\n1\n"${'x'.repeat(2 * maxRequestBytes)}"\n`)).at(-1)?.[1],
    /^cannot be read any further: Max Record Size/,
  );

  t.same(await read('json', '\ufeff[{"a":1},2,{"b":[{}]}]'), [
    [1, { a: 1 }],
    [2, 'is not a JSON object'],
    [3, { b: [{}] }],
  ]);
  const features = '{"type":"FeatureCollection","metadata":{"a":[1]},"features":[{"id":"x"},{"id":"y"}],"bbox":[1]}';
  t.same(await read('geojson', features), [
    [1, { id: 'x' }],
    [2, { id: 'y' }],
  ]);
  t.match((await read('json', '[{"a":1}')).at(-1), [2, 'cannot be read any further: it ends within a value']);
  t.match((await read('json', '{"a":{}}')).at(-1), [1, 'cannot be read any further: it is not an array']);
  t.match((await read('json', '[{"a":1},x]')).at(-1), [2, /^cannot be read any further: /]);
  t.match((await read('json', `[{"a":"${'x'.repeat(2 * maxRequestBytes)}"}]`)).at(-1), [1, /a record is longer than/]);
});

t.test('the rest of the time is estimated from the bytes that were read', async (t) => {
  t.equal(describeRest({ done: 1, total: 100, seconds: 1 }), '', 'not too early');
  t.equal(describeRest({ done: 25, total: 100, seconds: 10 }), ', about 30 s left');
  t.equal(describeRest({ done: 1, total: 100, seconds: 10 }), ', about 17 min left');
  t.equal(describeRest({ done: 100, total: 100, seconds: 10 }), '');
});

t.test('when nothing is applied the stall is reported, and when the queue has lost updates the run ends', async (t) => {
  let backlog = 1;
  let applied = false;
  const backends: EnqueueBackends = {
    findReceipts: async (field, names) => names.map((name) => ({ field, ...name, isPruned: applied })),
    readLastCounters: async () => new Map(),
    readParticles: async () => new Map(),
    readVersion: async () => 0,
    enqueue: async () => undefined,
    countBacklog: async () => backlog,
    readFailed: async function* () {},
  };
  const settle = (said: string[]) => {
    const inFlight = new InFlight();
    inFlight.add({ ...sent('a', 1), acceptedAt: 1 });
    const [counts, report] = [createEnqueueCounts(), new LineReport(() => undefined)];
    const printLine = (line: string) => {
      said.push(line);
      applied = true;
    };
    const order = { field: asField('global'), backends, inFlight, counts, report, printLine, isSending: () => false };
    const written = new WrittenParticles();
    return awaitReceipts({ ...order, written, signal: never, stallMs: 100 }).then(() => counts);
  };
  const said: string[] = [];
  t.match(await settle(said), { applied: 1 });
  t.match(said, [/no worker is running/]);
  t.equal(said.length, 1);

  backlog = 0;
  applied = false;
  await t.rejects(settle([]), { exit: 'unreachable', message: /lost 1 update/ });
});

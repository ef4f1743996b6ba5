import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { awaitReceipts } from '../../../cli/enqueue/await-receipts.ts';
import { createEnqueueCounts } from '../../../cli/enqueue/counts.ts';
import { InFlight } from '../../../cli/enqueue/in-flight.ts';
import { groupUpdates } from '../../../cli/enqueue/input/group-jobs.ts';
import { LineReport } from '../../../cli/enqueue/input/line-report.ts';
import { fileInput } from '../../../cli/enqueue/input/open-inputs.ts';
import type { DeviceUpdate } from '../../../cli/enqueue/input/parse-line.ts';
import { type Line, readLines } from '../../../cli/enqueue/input/read-lines.ts';
import type { EnqueueBackends } from '../../../cli/enqueue/resilient-backends.ts';
import { maxRequestBytes } from '../../../shared/contract/wire.ts';
import { asDevice, asField, setCell } from '../../support/updates.ts';
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
    return lines.map((line) => [line.location.line, 'text' in line ? line.text : line.problem]);
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

t.test('when nothing is applied the stall is reported, and when the queue has lost updates the run ends', async (t) => {
  let backlog = 1;
  let applied = false;
  const backends: EnqueueBackends = {
    findReceipts: async (field, names) => names.map((name) => ({ field, ...name, isPruned: applied })),
    readLastCounter: async () => 0,
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
    return awaitReceipts({ ...order, signal: never, stallMs: 100 }).then(() => counts);
  };
  const said: string[] = [];
  t.match(await settle(said), { applied: 1 });
  t.match(said, [/no worker is running/]);
  t.equal(said.length, 1);

  backlog = 0;
  applied = false;
  await t.rejects(settle([]), { exit: 'unreachable', message: /lost 1 update/ });
});

/** How many updates a second `enqueue` applies from a file, by the order of its lines. Nothing else is sent meanwhile. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { seededRandom } from '../../test/unit/field/support/seeded-random.ts';
import type { Bench } from '../bench.ts';
import { describeSpread, format, median, round } from '../measure/statistics.ts';
import type { BenchStack } from '../stack/bench-stack.ts';

const devices = 100;
const targetPerSecond = 50_000;
const script = fileURLToPath(new URL('../../cli/field.mjs', import.meta.url));
const run = promisify(execFile);

interface Line {
  readonly device: number;
  readonly counter: number;
  readonly time: number;
}

interface InputFile {
  readonly name: string;
  readonly extension: 'ndjson' | 'csv';
  readonly lines: readonly Line[];
  readonly options: readonly string[];
}

const csvMap = JSON.stringify({
  ...{ device: '$device', counter: '$counter', timestamp: '$time', kind: 'cells.set' },
  cells: [{ x: '$x', y: '$y', value: '$value' }],
});

export const enqueueFiles: Bench = {
  name: 'enqueue',
  about: 'updates per second that enqueue applies from a file, by the order of its lines',
  async run({ stack, isQuick, printLine }) {
    const files = createFiles(isQuick ? 2000 : 50_000);
    const rounds = isQuick ? 1 : 2;
    const found = new Map<string, number[]>(files.map(({ name }) => [name, []]));
    // Until the code of all processes is compiled.
    for (const file of files.slice(0, 2)) await enqueue(stack, file, 0);
    for (let number = 1; number <= rounds; number += 1) {
      for (const file of files) {
        const perSecond = await enqueue(stack, file, number);
        found.get(file.name)?.push(perSecond);
        printLine(`round ${number} of ${rounds}: ${file.name}: ${format(perSecond)} updates/s`);
      }
    }
    const best = Math.max(...[...found.values()].map(median));
    return {
      tables: [
        {
          title: `Updates per second from a file of ${format(files[0]?.lines.length ?? 0)} lines of ${devices} devices`,
          columns: ['lines', 'updates/s'],
          rows: files.map(({ name }) => [name, describeSpread(found.get(name) ?? [], 0)]),
          note: 'From the first line that is read to the last receipt; medians, with the lowest and the highest.',
        },
      ],
      targets: [
        {
          what: 'updates/s from a file, in the best order of its lines',
          value: round(best, 0),
          limit: null,
          ratio: null,
          target: `≥ ${format(targetPerSecond)}`,
          met: best >= targetPerSecond,
        },
      ],
    };
  },
};

function createFiles(count: number): InputFile[] {
  const inTime = Array.from({ length: count }, (_, index): Line => {
    return { device: index % devices, counter: Math.floor(index / devices) + 1, time: 1_700_000_000_000 + index };
  });
  const sorted = [...inTime].sort((a, b) => a.device - b.device || a.time - b.time);
  const ofJson = { extension: 'ndjson', options: [] } as const;
  return [
    { name: 'sorted by device', lines: sorted, ...ofJson },
    {
      name: 'sorted by device, normal priority',
      lines: sorted,
      extension: 'ndjson',
      options: ['--priority', 'normal'],
    },
    { name: 'in the order of time', lines: inTime, ...ofJson },
    { name: 'in random order', lines: seededRandom(7).shuffle(inTime), ...ofJson },
    { name: 'newest first', lines: [...inTime].reverse(), ...ofJson },
    { name: 'CSV, in the order of time', lines: inTime, extension: 'csv', options: ['--map', csvMap] },
  ];
}

/** @returns updates per second */
async function enqueue({ folder, urls }: BenchStack, { name, extension, lines, options }: InputFile, number: number) {
  const file = join(folder, `lines.${extension}`);
  const rows = extension === 'csv' ? ['device,counter,time,x,y,value', ...lines.map(toCsv)] : lines.map(toJson);
  await writeFile(file, `${rows.join('\n')}\n`);
  const field = `bench-${name.replaceAll(/\W+/g, '-')}-${number}`.toLowerCase();
  const env = { DATABASE_URL: urls.database, QUEUE_REDIS_URL: urls.queue, CACHE_REDIS_URL: urls.cache };
  const { stdout } = await run(process.execPath, [script, 'enqueue', file, '--field', field, '--json', ...options], {
    env: { ...process.env, ...env },
    maxBuffer: 16 * 1024 * 1024,
  });
  const { applied, seconds } = JSON.parse(stdout) as { applied: number; seconds: number };
  if (applied !== lines.length) throw new Error(`${applied} of ${lines.length} updates were applied`);
  return applied / seconds;
}

const cellOf = ({ device, counter }: Line) => ({ x: counter % 30, y: device % 30, value: (counter % 100) / 100 });

function toJson(line: Line): string {
  const { device, counter, time: timestamp } = line;
  return JSON.stringify({ device: `d${device}`, counter, timestamp, kind: 'cells.set', cells: [cellOf(line)] });
}

function toCsv(line: Line): string {
  const { x, y, value } = cellOf(line);
  return `d${line.device},${line.counter},${line.time},${x},${y},${value}`;
}

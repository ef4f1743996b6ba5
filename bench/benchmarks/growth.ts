/** The cost of an update as history, particles, devices and fields grow, and the cost of a cold load. */
import { Redis } from 'ioredis';
import { createCacheKeys } from '../../shared/cache/cache-keys.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Bench, BenchContext, Table } from '../bench.ts';
import { type BurstCost, sendBurst } from '../load/bursts.ts';
import { encodeRequest, HttpConnection } from '../load/http-connection.ts';
import { seedFields } from '../load/seed.ts';
import { createToken, createWriters, moveParticle } from '../load/writers.ts';
import { format, median, medianRatio, round } from '../measure/statistics.ts';
import type { BenchStack } from '../stack/bench-stack.ts';

const oldField = 'bench-old' as FieldId;
const perRequest = 20;

interface Measured {
  readonly at: number;
  /** Medians over the bursts. */
  readonly old: BurstCost;
  readonly young: BurstCost;
  /** CPU time of the old field relative to the young one, as the median over the pairs. */
  readonly ratio: number;
}

export const growth: Bench = {
  name: 'growth',
  about: 'the cost of an update as a field grows, compared with the same burst on a young field',
  async run(context) {
    const history = await growHistory(context);
    const cold = await loadCold(context);
    const size = await measureSize(context.stack);
    const width = await growWidth(context);
    const last = history.at(-1);
    const ratio = last?.ratio ?? Number.NaN;
    const coldMs = median(cold.whole);
    return {
      tables: [
        {
          title: 'History of one field of 100 particles: µs per update, at 20 per request',
          columns: ['updates before', 'CPU', 'CPU, young field', 'ratio', 'wall', 'wall, young field'],
          rows: history.map(({ at, old, young, ratio }) => [
            format(at),
            format(old.cpuUs),
            format(young.cpuUs),
            ratio.toFixed(2),
            format(old.wallUs),
            format(young.wallUs),
          ]),
          note: 'Medians of alternating bursts of the same updates. CPU is the total of API, worker, Redis and PostgreSQL.',
        },
        width,
        {
          title: `Loading the field of ${format(last?.at ?? 0)} updates with nothing cached, in ms`,
          columns: ['what', 'median', 'slowest'],
          rows: [['GET of the state, from PostgreSQL', format(coldMs, 1), format(Math.max(...cold.whole), 1)]],
        },
        {
          title: 'Database, in bytes per update',
          columns: ['log', 'indexes of the log', 'everything'],
          rows: [[format(size.log), format(size.indexes), format(size.everything)]],
        },
      ],
      targets: [
        {
          what: `CPU per update after ${format(last?.at ?? 0)} updates compared with a young field, in µs`,
          value: round(last?.old.cpuUs ?? Number.NaN, 1),
          limit: round(last?.young.cpuUs ?? Number.NaN, 1),
          ratio: round(ratio),
          target: '≤ 1.3',
          met: ratio <= 1.3,
        },
        {
          what: `cold load of a field of ${format(last?.at ?? 0)} updates, in ms`,
          value: round(coldMs, 1),
          limit: null,
          ratio: null,
          target: '< 100 ms',
          met: coldMs < 100,
        },
      ],
      plots: [
        {
          file: 'growth.svg',
          title: 'CPU per update as a field grows old',
          x: 'thousand updates before',
          y: 'µs',
          series: [
            { name: 'this field', points: history.map(({ at, old }) => [at / 1000, old.cpuUs] as const) },
            { name: 'a young field', points: history.map(({ at, young }) => [at / 1000, young.cpuUs] as const) },
          ],
        },
      ],
    };
  },
};

async function growHistory({ stack, isQuick, printLine }: BenchContext): Promise<Measured[]> {
  const goal = isQuick ? 4000 : 1_000_000;
  const burst = isQuick ? 2000 : 20_000;
  const pairs = isQuick ? 1 : 3;
  const writers = await createWriters(64);
  const make = moveParticle(100);
  await seedFields(stack, [oldField], 100);
  const send = (field: FieldId, updates: number, updatesPerRequest = perRequest) =>
    sendBurst(stack, { fields: [field], writers, updates, perRequest: updatesPerRequest, make });
  await send('bench-warm-up' as FieldId, burst);
  const measured: Measured[] = [];
  let at = 0;
  for (let step = 0; ; step++) {
    const young = `bench-young-${step}` as FieldId;
    await seedFields(stack, [young], 100);
    // Old and young alternate, so that PostgreSQL's checkpoints affect both.
    const bursts: { old: BurstCost; young: BurstCost }[] = [];
    for (let pair = 0; pair < pairs; pair++) {
      bursts.push({ young: await send(young, burst), old: await send(oldField, burst) });
    }
    const costs = summarizeBursts(bursts);
    measured.push({ at, ...costs });
    printLine(
      `${format(at)} updates: ${format(costs.old.cpuUs)} µs of CPU per update, young field ${format(costs.young.cpuUs)}`,
    );
    at += pairs * burst;
    if (at >= goal) return measured;
    const rest = Math.min(goal - at, isQuick ? 2000 : 190_000);
    if (rest > 0) await send(oldField, rest, 200);
    at += rest;
  }
}

function summarizeBursts(bursts: readonly { old: BurstCost; young: BurstCost }[]): Omit<Measured, 'at'> {
  const all = (which: 'old' | 'young', what: keyof BurstCost) => bursts.map((pair) => pair[which][what]);
  const of = (which: 'old' | 'young') => ({ cpuUs: median(all(which, 'cpuUs')), wallUs: median(all(which, 'wallUs')) });
  return { old: of('old'), young: of('young'), ratio: medianRatio(all('old', 'cpuUs'), all('young', 'cpuUs')) };
}

/** Measures a read with an empty cache, by an API that has just started. */
async function loadCold({ stack, isQuick }: BenchContext): Promise<{ whole: number[] }> {
  const token = await createToken('reader' as DeviceId);
  const redis = new Redis(stack.urls.cache);
  const { rows } = await stack.db.query<{ id: string }>('SELECT id FROM installation');
  const key = createCacheKeys('field', rows[0]?.id ?? '').stateKey(oldField);
  const whole: number[] = [];
  for (let number = 0; number < (isQuick ? 1 : 5); number++) {
    await stack.scale({ apis: 1, workers: 1 });
    await redis.del(key);
    const connection = await HttpConnection.open(stack.addresses[0] ?? '');
    // Warms up the connections and the code with another field.
    for (let time = 0; time < 3; time++)
      await connection.send(encodeRequest({ path: '/api/fields/bench-young-0', token }));
    const startedAt = performance.now();
    const { status, head } = await connection.send(encodeRequest({ path: `/api/fields/${oldField}`, token }));
    whole.push(performance.now() - startedAt);
    if (status !== 200 || !/\r\nx-cache: miss/i.test(head)) throw new Error(`not a cold load: ${head}`);
    connection.close();
  }
  redis.disconnect();
  return { whole };
}

async function measureSize({ db }: BenchStack): Promise<{ log: number; indexes: number; everything: number }> {
  const { rows } = await db.query<{ log: string; indexes: string; everything: string; updates: string }>(`
    SELECT pg_table_size('field_updates') AS log, pg_indexes_size('field_updates') AS indexes,
      pg_database_size(current_database()) AS everything, (SELECT sum(version) FROM consciousness_states) AS updates`);
  const per = (bytes: string | undefined) => Number(bytes) / Number(rows[0]?.updates);
  return { log: per(rows[0]?.log), indexes: per(rows[0]?.indexes), everything: per(rows[0]?.everything) };
}

/** Measures the same burst with different numbers of particles, devices and fields. */
async function growWidth({ stack, isQuick, printLine }: BenchContext): Promise<Table> {
  const burst = isQuick ? 1000 : 20_000;
  const rows: (string | number)[][] = [];
  const record = async (what: string, count: number, cost: BurstCost) => {
    rows.push([what, format(count), format(cost.cpuUs), format(cost.wallUs)]);
    printLine(`${format(count)} ${what}: ${format(cost.cpuUs)} µs of CPU per update`);
  };
  const few = await createWriters(64);
  for (const count of isQuick ? [1, 100] : [1, 100, 1000]) {
    const field = `bench-particles-${count}` as FieldId;
    await seedFields(stack, [field], count);
    const make = moveParticle(count);
    await record(
      'particles',
      count,
      await sendBurst(stack, { fields: [field], writers: few, updates: burst, perRequest, make }),
    );
  }
  for (const count of isQuick ? [64] : [100, 1000, 10_000]) {
    const writers = await createWriters(count);
    const fields = [`bench-devices-${count}` as FieldId];
    await sendBurst(stack, { fields, writers, updates: count, perRequest: 1, make: moveParticle(100) });
    await record(
      'devices',
      count,
      await sendBurst(stack, { fields, writers, updates: burst, perRequest, make: moveParticle(100) }),
    );
  }
  for (const count of isQuick ? [10] : [100, 1000, 10_000]) {
    const fields = Array.from({ length: count }, (_, index) => `bench-fields-${count}-${index}` as FieldId);
    await sendBurst(stack, { fields, writers: few, updates: count, perRequest: 1, make: moveParticle(5) });
    await record(
      'fields',
      count,
      await sendBurst(stack, { fields, writers: few, updates: burst, perRequest, make: moveParticle(5) }),
    );
  }
  return {
    title: 'Particles, devices, fields: µs per update, at 20 per request',
    columns: ['what', 'count', 'CPU', 'wall'],
    rows,
  };
}

import t, { type Test } from 'tap';
import { viewParticle } from '../../../shared/field/view.ts';
import { readUpdates } from '../../support/read-updates.ts';
import type { SentUpdate } from './support/changes.ts';
import { interleave } from './support/delivery.ts';
import { foldLog, type LogEntry, renderedText, snapshotText } from './support/field-log.ts';

import { referenceRegisters, writesOf } from './support/reference-merge.ts';
import { type Registers, registersOf } from './support/registers.ts';
import { seededRandom } from './support/seeded-random.ts';
import { applyAll, createServer } from './support/server.ts';

const earthquakes = await readUpdates('earthquakes.ndjson');
const concurrentCells = await readUpdates('concurrent-cells.ndjson.gz');

/** An independent eviction by timestamp alone, which is sufficient because the timestamps and ids are unique. */
function idsAfterEviction(updates: readonly SentUpdate[]): string[] {
  let kept: { id: string; timestamp: number }[] = [];
  for (const { update } of updates) {
    if (update.kind !== 'particle.put') throw new Error('the update of an earthquake is not a particle.put');
    kept.push({ id: update.id, timestamp: update.timestamp });
    if (kept.length <= 1000) continue;
    const cut = kept.map(({ timestamp }) => timestamp).sort((a, b) => b - a)[799] ?? 0;
    kept = kept.filter(({ timestamp }) => timestamp >= cut);
  }
  return kept.map(({ id }) => id);
}

t.test('folding a week of earthquakes leaves the same particles as an independent eviction', async (t) => {
  t.equal(earthquakes.length, 1707);
  t.equal(new Set(earthquakes.map(({ update }) => update.timestamp)).size, 1707, 'timestamps are unique');
  t.equal(new Set(earthquakes.map(({ device }) => device)).size, 12);
  const { state, conflicts } = applyAll(earthquakes);
  const ids = [...state.particles.keys()];
  t.ok(ids.length >= 800 && ids.length <= 1000, `${ids.length} particles`);
  t.strictSame(ids, idsAfterEviction(earthquakes));
  t.equal(conflicts, 0);
});

t.test('the view of an earthquake has the values that were sent', async (t) => {
  const { state } = applyAll(earthquakes);
  const last = earthquakes.at(-1);
  if (last?.update.kind !== 'particle.put') throw new Error('the update of the last earthquake is not a particle.put');
  const { id, position, resonance, content, connections, timestamp } = last.update;
  const particle = state.particles.get(id);
  const { velocity: _, ...view } = particle ? viewParticle(particle) : { velocity: undefined };
  const expected = {
    id,
    position,
    resonance,
    crystallized: false,
    content,
    connections,
    timestamp,
    device: last.device,
  };
  t.strictSame(view, expected);
});

t.test('replaying a week of earthquakes with restarts gives the same state byte for byte', async (t) => {
  const log = earthquakes.map((sent): LogEntry => ({ ...sent, time: sent.update.timestamp }));
  const live = foldLog(log);
  const replayed = foldLog(log, { restartsBefore: new Set([1, 500, 999, 1000, 1001, 1002, 1706]) });
  t.equal(snapshotText(replayed), snapshotText(live));
  t.strictSame(renderedText(replayed), renderedText(live));
});

t.test(
  'two concurrent writers have 40 conflicts when their updates are applied in the order of the file',
  async (t) => {
    t.equal(concurrentCells.length, 26_078);
    const counts = { conflicts: 0, equal: 0 };
    const server = createServer();
    for (const sent of concurrentCells) {
      const kind = classifyWrite(sent, server.state.cells);
      if (kind) counts[kind] += 1;
      server.deliver(sent);
    }
    t.strictSame(counts, { conflicts: 40, equal: 0 }, 'the conflicts counted from the clocks');
    t.equal(server.conflicts, 40, 'the conflicts recorded by the server');
    assertRegisters(t, registersOf(server.state), referenceRegisters(concurrentCells));
  },
);

t.test(
  'the timestamps of the concurrent writers are hybrid: each is above every timestamp that its writer had seen',
  async (t) => {
    const timestamps = new Map(
      concurrentCells.map(({ device, update }) => [`${device} ${update.counter}`, update.timestamp]),
    );
    const notAbove = concurrentCells.filter(({ update: { clock, timestamp } }) =>
      Object.entries(clock ?? {}).some(
        ([device, counter]) => (timestamps.get(`${device} ${counter}`) ?? 0) >= timestamp,
      ),
    );
    t.strictSame(notAbove, []);
  },
);

t.test(
  'the concurrent writers converge in any interleaving, and some interleavings have more than 40 conflicts',
  async (t) => {
    const expected = referenceRegisters(concurrentCells);
    const random = seededRandom(5);
    const [first, second] = [...new Set(concurrentCells.map(({ device }) => device))];
    const updatesOf = (name?: string) => concurrentCells.filter(({ device }) => device === name);
    const orders = [
      interleave(random, concurrentCells),
      interleave(random, concurrentCells),
      [...updatesOf(first), ...updatesOf(second)],
      [...updatesOf(second), ...updatesOf(first)],
    ];
    const conflicts = orders.map((order) => {
      const server = applyAll(order);
      assertRegisters(t, registersOf(server.state), expected);
      return server.conflicts;
    });
    t.ok(Math.max(...conflicts) > 40, `conflicts: ${conflicts}`);
  },
);

/** Returns whether an update is concurrent with the current value of its cell, and whether the values differ. */
function classifyWrite(
  { device, update }: SentUpdate,
  cells: ReadonlyMap<string, { value: number; stamp: { device: string; counter: number } }>,
): 'conflicts' | 'equal' | undefined {
  for (const [name, value] of writesOf(update)) {
    const register = cells.get(name.replace('cell ', ''));
    if (!register || register.stamp.device === device) continue;
    if ((update.clock?.[register.stamp.device] ?? 0) >= register.stamp.counter) continue;
    return register.value === value ? 'equal' : 'conflicts';
  }
  return undefined;
}

function assertRegisters(t: Test, actual: Registers, expected: Registers) {
  t.strictSame([...actual].sort(byName), [...expected].sort(byName));
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

import t, { type Test } from 'tap';
import { viewParticle } from '../../../shared/field/view.ts';
import type { SentUpdate } from './support/changes.ts';
import { interleave } from './support/delivery.ts';
import { foldLog, type LogEntry, renderedTexts, snapshotText } from './support/field-log.ts';
import { readUpdates } from './support/real-updates.ts';
import { referenceRegisters, writesOf } from './support/reference-merge.ts';
import { type Registers, registersOf } from './support/registers.ts';
import { seededRandom } from './support/seeded-random.ts';
import { applyAll, createServer } from './support/server.ts';

const earthquakes = readUpdates('earthquakes.ndjson');
const racingCells = readUpdates('concurrent-cells.ndjson.gz');

/** The ids that stay, worked out from ids and timestamps alone; here timestamps are unique, and each id comes once. */
function idsAfterEviction(updates: readonly SentUpdate[]): string[] {
  let kept: { id: string; timestamp: number }[] = [];
  for (const { update } of updates) {
    if (update.kind !== 'particle.put') throw new Error('an earthquake is a put');
    kept.push({ id: update.id, timestamp: update.timestamp });
    if (kept.length <= 1000) continue;
    const cut = kept.map(({ timestamp }) => timestamp).sort((a, b) => b - a)[799] ?? 0;
    kept = kept.filter(({ timestamp }) => timestamp >= cut);
  }
  return kept.map(({ id }) => id);
}

t.test('a week of earthquakes leaves the particles that an independent eviction leaves', async (t) => {
  t.equal(earthquakes.length, 1707);
  t.equal(new Set(earthquakes.map(({ update }) => update.timestamp)).size, 1707, 'timestamps are unique');
  t.equal(new Set(earthquakes.map(({ device }) => device)).size, 12);
  const { state, conflicts } = applyAll(earthquakes);
  const ids = [...state.particles.keys()];
  t.ok(ids.length >= 800 && ids.length <= 1000, `${ids.length} particles`);
  t.strictSame(ids, idsAfterEviction(earthquakes));
  t.equal(conflicts, 0);
});

t.test('an earthquake is shown as it was sent', async (t) => {
  const { state } = applyAll(earthquakes);
  const last = earthquakes.at(-1);
  if (last?.update.kind !== 'particle.put') throw new Error('the last earthquake is a put');
  const { id, position, resonance, content, connections, timestamp } = last.update;
  const particle = state.particles.get(id);
  const { velocity: _, ...shown } = particle ? viewParticle(particle) : { velocity: undefined };
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
  t.strictSame(shown, expected);
});

t.test('a week of earthquakes is replayed byte for byte through restarts', async (t) => {
  const log = earthquakes.map((sent): LogEntry => ({ ...sent, time: sent.update.timestamp }));
  const live = foldLog(log);
  const replayed = foldLog(log, { restartsBefore: new Set([1, 500, 999, 1000, 1001, 1002, 1706]) });
  t.equal(snapshotText(replayed), snapshotText(live));
  t.strictSame(renderedTexts(replayed), renderedTexts(live));
});

t.test(
  'two racing writers meet concurrently 40 times in the order of the file, each time with another value',
  async (t) => {
    t.equal(racingCells.length, 26_078);
    const meetings = { conflicts: 0, equal: 0 };
    const server = createServer();
    for (const sent of racingCells) {
      const meeting = meetingOf(sent, server.state.cells);
      if (meeting) meetings[meeting] += 1;
      server.deliver(sent);
    }
    t.strictSame(meetings, { conflicts: 40, equal: 0 }, 'counted from the clocks');
    t.equal(server.conflicts, 40, 'recorded');
    assertRegisters(t, registersOf(server.state), referenceRegisters(racingCells));
  },
);

t.test('the racing writers keep hybrid timestamps: each is above all that it had seen', async (t) => {
  const timestamps = new Map(
    racingCells.map(({ device, update }) => [`${device} ${update.counter}`, update.timestamp]),
  );
  const notAbove = racingCells.filter(({ update: { clock, timestamp } }) =>
    Object.entries(clock ?? {}).some(([device, counter]) => (timestamps.get(`${device} ${counter}`) ?? 0) >= timestamp),
  );
  t.strictSame(notAbove, []);
});

t.test('the racing writers converge in any interleaving, and meet more often than 40 times in some', async (t) => {
  const expected = referenceRegisters(racingCells);
  const random = seededRandom(5);
  const [first, second] = [...new Set(racingCells.map(({ device }) => device))];
  const oneAfterTheOther = (name?: string) => racingCells.filter(({ device }) => device === name);
  const orders = [
    interleave(random, racingCells),
    interleave(random, racingCells),
    [...oneAfterTheOther(first), ...oneAfterTheOther(second)],
    [...oneAfterTheOther(second), ...oneAfterTheOther(first)],
  ];
  const conflicts = orders.map((order) => {
    const server = applyAll(order);
    assertRegisters(t, registersOf(server.state), expected);
    return server.conflicts;
  });
  t.ok(Math.max(...conflicts) > 40, `conflicts: ${conflicts}`);
});

/** How an update meets the cell that it writes, by its clock alone. */
function meetingOf(
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

/** Devices that learn of others' writes only as states and deltas keep the rule of timestamps, so that registers converge. */
import t from 'tap';
import { HybridClock } from '../../../client/hybrid-clock.ts';
import { Outbox } from '../../../client/outbox/outbox.ts';
import { Replica } from '../../../client/state/replica.ts';
import { memoryStorage } from '../../../client/storage/memory-storage.ts';
import { OutboxStore } from '../../../client/storage/persistence/outbox-store.ts';
import { versionOf } from '../../../shared/field/cursor.ts';
import { globalField } from '../../../shared/field/ids.ts';
import { type SentUpdate, sent, setCell } from '../field/support/changes.ts';
import { applyAll } from '../field/support/server.ts';
import { stateAt } from './support/fake-server.ts';
import { cursorAt, unlimited } from './support/load-outbox.ts';

/** A's clock is 50 s ahead of those of the others. */
const wallTime = 1_700_000_000_000;
const written = sent('A', [1, wallTime + 50_000], setCell(0.1));

/** The ways in which a client learns of a write. */
const sources: Readonly<Record<string, (replica: Replica, maxTimestamp: number) => void>> = {
  'a delta'(replica, maxTimestamp) {
    const { globalResonance, collectiveIntelligence, room64Active, lastUpdate } = stateAt(cursorAt(1));
    const metrics = { globalResonance, collectiveIntelligence, room64Active, lastUpdate };
    const changes = { particles: {}, cells: { '0,0': 0.1 }, metrics };
    replica.apply({ type: 'delta', from: cursorAt(0), to: cursorAt(1), maxTimestamp, changes, updates: [] });
  },
  'a snapshot or a poll'(replica, maxTimestamp) {
    const state = { ...stateAt(cursorAt(1)), maxTimestamp };
    replica.apply({ type: 'snapshot', cursor: state.cursor, reason: 'start', state });
  },
  'the stored state'(replica, maxTimestamp) {
    replica.restore({ ...stateAt(cursorAt(1)), maxTimestamp });
  },
};

/** The updates of a device that writes these values after it has learned of A's write. */
async function writeAfter(learn: (replica: Replica) => void, device: string, values: readonly number[]) {
  const clock = new HybridClock(() => wallTime);
  const ignore = () => undefined;
  const store = new OutboxStore({ storage: memoryStorage(), onDamage: ignore });
  const identity = () => ({ device, account: undefined });
  const outbox = new Outbox({ store, clock, identity, random: Math.random, onChange: ignore, onSetAside: ignore });
  const replica = new Replica(globalField, outbox, clock);
  await outbox.load(0);
  learn(replica);
  for (const value of values) outbox.add(setCell(value), replica.cursor);
  return outbox.nextBatch(...unlimited).map(({ counter, timestamp, seen }, index): SentUpdate => {
    const claims = { seen: typeof seen === 'number' ? seen : versionOf(seen) };
    return sent(device, [counter, timestamp], setCell(values[index] ?? 0), claims);
  });
}

for (const [source, learn] of Object.entries(sources)) {
  t.test(`writes of devices that know an earlier one from ${source} have the same result in any order`, async (t) => {
    const { maxTimestamp } = applyAll([written]).state.dynamics;
    const learnIt = (replica: Replica) => learn(replica, maxTimestamp);
    const fromB = await writeAfter(learnIt, 'B', [0.2, 0.21, 0.22]);
    const fromC = await writeAfter(learnIt, 'C', [0.3]);
    const resultOf = (updates: readonly SentUpdate[]) => applyAll(updates).state.cells.get('0,0')?.value;
    t.equal(resultOf([written, ...fromB, ...fromC]), 0.22);
    t.equal(resultOf([written, ...fromC, ...fromB]), 0.22);
    for (const { update } of [...fromB, ...fromC]) t.ok(update.timestamp > maxTimestamp);
  });
}

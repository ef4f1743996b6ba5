/**
 * Retention purges tombstones while workers hold copies of the field. A write that is older than a purged tombstone is
 * applied after the purge and superseded before it, so every process has to purge at the same place in the log.
 */
import { randomInt } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { verifyField } from '../../db/read/verify-field.ts';
import { lockFields } from '../../db/write/lock-fields.ts';
import { writeSnapshots } from '../../db/write/write-snapshots.ts';
import { foldUpdate, purgeTombstones } from '../../shared/field/fold.ts';
import { emptyChangeSet } from '../../shared/field/merge-update.ts';
import { encodeSnapshot } from '../../shared/field/snapshot.ts';
import { createFieldState, type FieldState } from '../../shared/field/state.ts';
import type { Update } from '../../shared/field/update.ts';
import { pruneThrough } from '../../workers/maintenance/prune-logs.ts';
import { openCommitter } from '../support/committer.ts';
import { type Backing, withBacking } from '../support/processes/with-worker.ts';
import { asDevice, asField, jobOf, putParticle, removeParticle, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { type Random, seededRandom } from '../unit/field/support/seeded-random.ts';

type Database = Backing['db'];

/** Every commit writes a snapshot, so that a wrong cached state is stored immediately. */
const settings = { snapshotEvery: 1 };

/** The cached states of one worker, and a device that writes through them. */
function openWorker(db: Database, name: string) {
  const committer = openCommitter(db, settings);
  const counters = new Map<string, number>();
  return {
    async commit(id: string, makeUpdates: (next: () => number) => Update[]) {
      const field = asField(id);
      const updates = makeUpdates(() => {
        const counter = (counters.get(id) ?? 0) + 1;
        counters.set(id, counter);
        return counter;
      });
      const applied = await committer.commit(new Map([[field, [jobOf(field, asDevice(name), updates)]]]));
      const done = applied.get(field);
      if (!done) throw new Error(`nothing was committed to ${id}`);
      return { state: done.commit.state, entries: done.commit.entries };
    },
  };
}

/** Prunes one field as retention does, up to the given version; without one, prunes the whole log. */
async function purge(db: Database, id: string, version?: number): Promise<void> {
  await db.transaction(async (trx) => {
    const [locked] = await lockFields(trx, [asField(id)]);
    if (!locked) throw new Error(`there is no field ${id}`);
    await pruneThrough(trx, locked, version ?? locked.version);
  });
}

const putAndRemove = (next: () => number) => [
  putParticle(next(), 'ghost', { resonance: 0.2 }),
  removeParticle(next(), 'ghost'),
];
/** Older than the removal and concurrent with it, so it is applied only after the tombstone has been purged. */
const putLate = (next: () => number) => [putParticle(next(), 'ghost', { resonance: 0.9 }, { timestamp: 1 })];
const touchCell = (next: () => number) => [setCell(next(), 1, 0.5)];

const interleavings: Record<string, (db: Database, id: string) => Promise<void>> = {
  'the whole log is purged, and another worker commits': async (db, id) => {
    const [first, second] = [openWorker(db, 'first'), openWorker(db, 'second')];
    await first.commit(id, putAndRemove);
    await purge(db, id);
    await second.commit(id, putLate);
    await first.commit(id, touchCell);
  },
  'a part of the log is purged, and another worker commits': async (db, id) => {
    const [first, second] = [openWorker(db, 'first'), openWorker(db, 'second')];
    await first.commit(id, putAndRemove);
    await first.commit(id, touchCell);
    await purge(db, id, 2);
    await second.commit(id, putLate);
    await first.commit(id, touchCell);
  },
  'the cached state was behind before the purge': async (db, id) => {
    const [first, second] = [openWorker(db, 'first'), openWorker(db, 'second')];
    await first.commit(id, putAndRemove);
    await second.commit(id, touchCell);
    await purge(db, id, 2);
    await second.commit(id, putLate);
    await first.commit(id, touchCell);
  },
  'the field is purged twice': async (db, id) => {
    const [first, second] = [openWorker(db, 'first'), openWorker(db, 'second')];
    await first.commit(id, putAndRemove);
    await first.commit(id, touchCell);
    await purge(db, id, 2);
    await second.commit(id, putLate);
    await second.commit(id, touchCell);
    await purge(db, id, 3);
    await first.commit(id, touchCell);
  },
  'the same version is purged twice': async (db, id) => {
    const [first, second] = [openWorker(db, 'first'), openWorker(db, 'second')];
    await first.commit(id, touchCell);
    await first.commit(id, putAndRemove);
    await purge(db, id, 1);
    await first.commit(id, () => []);
    await purge(db, id, 3);
    await second.commit(id, putLate);
    await first.commit(id, touchCell);
  },
  'both workers have the field cached, and the late write arrives at the one that has seen the purge': async (
    db,
    id,
  ) => {
    const [first, second] = [openWorker(db, 'first'), openWorker(db, 'second')];
    await first.commit(id, putAndRemove);
    await second.commit(id, touchCell);
    await first.commit(id, touchCell);
    await purge(db, id, 3);
    await second.commit(id, touchCell);
    await second.commit(id, putLate);
    await first.commit(id, touchCell);
    await second.commit(id, touchCell);
  },
};

t.test('a worker whose cached state is older than a purge keeps the updates applied after it, when', async (t) => {
  const { db, reader } = await withBacking(t);
  for (const [index, [when, run]] of Object.entries(interleavings).entries()) {
    await t.test(when, async (t) => {
      const id = `field-${index}`;
      await run(db, id);
      const state = await reader.loadState(asField(id));
      const kept = await reader.loadStateAt(asField(id), state?.version ?? 0);
      t.ok(kept.particles.has('ghost'), 'the stored state contains the late particle');
      t.same(encodeSnapshot(kept), state && encodeSnapshot(state), 'the two ways to read the field agree');
      t.same((await verifyField(db, asField(id))).differences, []);
    });
  }
});

t.test('a state read while the field is purged and written is a consistent snapshot', async (t) => {
  const { db, reader } = await withBacking(t);
  const id = 'read-while-purged';
  const { state } = await openWorker(db, 'first').commit(id, putAndRemove);
  await db.transaction((trx) => writeSnapshots(trx, [state]));
  const before = encodeSnapshot(state);
  let reading: Promise<FieldState | undefined> | undefined;
  await db.transaction(async (trx) => {
    // Blocks the reader after it has read the field's row and before it reads the log.
    await trx.raw('LOCK TABLE field_updates IN ACCESS EXCLUSIVE MODE');
    reading = reader.loadState(asField(id));
    await waitUntil('the reader waits for the log', async () => {
      const { rows } = await db.raw(
        `SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'field_updates'::regclass`,
      );
      return rows.length > 0;
    });
    await purge(trx, id);
    await openWorker(trx, 'second').commit(id, putLate);
  });
  const read = await reading;
  const after = await reader.loadState(asField(id));
  t.ok(after?.particles.has('ghost'));
  t.same(read && encodeSnapshot(read), read?.version === before.version ? before : after && encodeSnapshot(after));
});

const steps = 120;
const seeds = process.env.FUZZ_SEED ? [Number(process.env.FUZZ_SEED)] : [1, 2, randomInt(2 ** 31)];

/** A write that is often older than the field's values and concurrent with them. */
function makeUpdate(random: Random, counter: number, version: number): Update {
  const past = { timestamp: 1 + random.below(1000), seen: random.chance(0.3) ? random.below(version + 1) : 0 };
  const id = `p${random.below(6)}`;
  if (random.chance(0.4)) return removeParticle(counter, id, past);
  if (random.chance(0.7)) return putParticle(counter, id, { resonance: random.next() }, past);
  return setCell(counter, 1, random.next(), past);
}

t.test('the cached states of three workers equal one continuous fold of all commits and purges', async (t) => {
  const { db, reader } = await withBacking(t);
  for (const seed of seeds) {
    await t.test(`the states are equal with seed ${seed} (set FUZZ_SEED to repeat it)`, async (t) => {
      const random = seededRandom(seed);
      const workers = ['a', 'b', 'c'].map((name) => openWorker(db, name));
      // The oracle has neither a cache nor a log. It folds every committed update and purges as retention does.
      const oracles = ['one', 'two'].map((name) => {
        const id = `${name}-${seed}`;
        return { id, state: createFieldState(asField(id)), purgedTo: 0 };
      });
      for (let step = 0; step < steps; step += 1) {
        const oracle = random.pick(oracles);
        const { id, state } = oracle;
        if (state.version > oracle.purgedTo && random.chance(0.2)) {
          oracle.purgedTo += 1 + random.below(state.version - oracle.purgedTo);
          await purge(db, id, oracle.purgedTo);
          purgeTombstones(state, oracle.purgedTo);
          continue;
        }
        const count = random.below(4);
        const committed = await random
          .pick(workers)
          .commit(id, (next) => Array.from({ length: count }, () => makeUpdate(random, next(), state.version)));
        for (const { device, update, time } of committed.entries) {
          foldUpdate(state, device, update, time, emptyChangeSet());
        }
        state.hash = committed.state.hash;
        const [copy, expected] = [encodeSnapshot(committed.state), encodeSnapshot(state)];
        if (!isDeepStrictEqual(copy, expected))
          return void t.same(copy, expected, `step ${step}: the worker's cached state`);
      }
      for (const { id, state } of oracles) {
        const stored = await reader.loadState(asField(id));
        t.same(stored && encodeSnapshot(stored), encodeSnapshot(state), `${id}: the stored state`);
        t.same((await verifyField(db, asField(id))).differences, [], `${id}: the replay`);
      }
    });
  }
});

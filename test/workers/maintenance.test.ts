import t from 'tap';
import { loadSnapshotAtOrBefore } from '../../db/read/load-state.ts';
import { verifyField } from '../../db/read/verify-field.ts';
import { inReadTransaction } from '../../db/read-transaction.ts';
import { flushSnapshots } from '../../workers/maintenance/flush-snapshots.ts';
import { pruneLogs } from '../../workers/maintenance/prune-logs.ts';
import { republishFields } from '../../workers/maintenance/republish.ts';
import { sharedTasks } from '../../workers/maintenance/scheduler.ts';
import { openCommitter } from '../support/committer.ts';
import { type Backing, withBacking, withWorker } from '../support/processes/with-worker.ts';
import { readCached, readStored, waitForVersion } from '../support/read-back.ts';
import { asDevice, asField, jobOf, putParticle, removeParticle, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const field = asField('garden');
const alice = asDevice('alice');
const bob = asDevice('bob');

/** Moves every timestamp of the log and its snapshots `days` into the past. */
async function backdateLog({ db }: Backing, days: number): Promise<void> {
  const ms = days * 86_400_000;
  await db('field_updates').update({ logged_at: db.raw('logged_at - ?', [ms]) });
  await db.raw('UPDATE consciousness_states SET last_update = last_update - ?, snapshot_time = snapshot_time - ?', [
    ms,
    ms,
  ]);
  await db.raw('UPDATE field_snapshots SET time = time - ?', [ms]);
}

t.test('an idle field gets a snapshot at its last version', async (t) => {
  const backing = await withBacking(t);
  const worker = await withWorker(t, backing);
  for (const counter of [1, 2, 3]) {
    await backing.producer.enqueue(jobOf(field, alice, [setCell(counter, 1, counter / 10)]));
    await waitForVersion(backing, field, counter);
  }
  await worker.stop();
  const before = await readStored(backing, field);
  await backing.db.raw('UPDATE consciousness_states SET last_update = last_update - 60000');
  await flushSnapshots({ ...backing });
  const [row] = await backing.db('consciousness_states').where('field_id', field).select('version', 'snapshot_version');
  t.equal(row.snapshot_version, row.version);
  t.equal(await readStored(backing, field), before);
});

t.test('pruning removes the log before the retention limit but keeps the state and detects duplicates', async (t) => {
  const backing = await withBacking(t, { SNAPSHOT_EVERY: '10' });
  const { db, producer, reader } = backing;
  const first = await withWorker(t, backing);
  const old = Array.from({ length: 30 }, (_, index) => putParticle(index + 1, `p${index}`, { resonance: 0.3 }));
  await producer.enqueue(jobOf(field, alice, old));
  await producer.enqueue(jobOf(field, alice, [removeParticle(31, 'p0', { seen: 30 })]));
  await waitForVersion(backing, field, 31);
  await first.stop();
  await backdateLog(backing, 40);
  const before = await readStored(backing, field);
  t.equal(await pruneLogs({ ...backing }), 31);
  t.equal(await readStored(backing, field), before, 'the state is unchanged');
  t.equal((await reader.readLog(field, 0, 10))?.logStart, 31);
  await t.rejects(reader.loadStateAt(field, 5), { code: 'version_not_kept' });
  t.equal((await reader.loadStateAt(field, 31)).version, 31);
  t.notOk(
    await inReadTransaction(db, (trx) => loadSnapshotAtOrBefore(trx, field, 30, 31)),
    'no snapshot from before the log is kept',
  );

  await withWorker(t, backing);
  await producer.enqueue(jobOf(field, alice, old.slice(0, 5)));
  await producer.enqueue(jobOf(field, bob, [putParticle(1, 'p0', { resonance: 0.9 }, { timestamp: 1 })]));
  await waitForVersion(backing, field, 32);
  await waitUntil('no job is pending', async () => (await producer.countBacklog()) === 0);
  const state = await reader.loadState(field);
  t.equal(state?.version, 32, 'an update whose log entry was pruned is still a duplicate');
  t.ok(state?.particles.has('p0'), 'the tombstone was purged, so a late write recreates the particle');
  t.same((await verifyField(db, field)).differences, []);
});

t.test('after pruning a busy field, every snapshot that is kept replays to the same state', async (t) => {
  const backing = await withBacking(t, { SNAPSHOT_EVERY: '100' });
  const { db, producer } = backing;
  const worker = await withWorker(t, backing);
  const send = async (from: number, count: number) => {
    for (let counter = from; counter < from + count; counter += 50) {
      const updates = Array.from({ length: 50 }, (_, index) => {
        const next = counter + index;
        return next % 3 === 0
          ? removeParticle(next, `p${next % 70}`)
          : putParticle(next, `p${next % 70}`, { resonance: 0.4 });
      });
      await producer.enqueue(jobOf(field, alice, updates));
      await waitForVersion(backing, field, counter + 49);
    }
  };
  await send(1, 1200);
  await backdateLog(backing, 40);
  await worker.stop();
  const again = await withWorker(t, backing);
  await send(1201, 300);
  t.equal(await pruneLogs({ ...backing }), 1200);
  await producer.enqueue(jobOf(field, bob, [putParticle(1, 'p3', { resonance: 0.9 }, { timestamp: 5 })]));
  await waitForVersion(backing, field, 1501);
  await again.stop();
  const verification = await verifyField(db, field);
  t.same(verification.differences, []);
  t.equal(verification.replayedFrom, 1200);
  t.ok(verification.snapshotsCompared >= 3, 'several snapshots were compared');
});

t.test('the newest fifty conflicts are kept, and every conflict is counted', async (t) => {
  const backing = await withBacking(t);
  const { db, producer, reader } = backing;
  await withWorker(t, backing);
  for (let counter = 1; counter <= 60; counter += 1) {
    const value = counter / 100;
    await producer.enqueue(jobOf(field, asDevice(`device-${counter}`), [setCell(1, 1, value)]));
  }
  await waitForVersion(backing, field, 60);
  const conflicts = await reader.readConflicts(field);
  t.equal(conflicts?.conflicts.length, 50);
  t.equal(conflicts?.total, 59);
  t.equal(conflicts?.conflicts[0]?.version, 60, 'the newest comes first');
  await sharedTasks['prune-conflicts']?.run({ ...backing });
  const { length: kept } = await db('field_conflicts').select('version');
  t.equal(kept, 50);
  t.same((await reader.readConflicts(field))?.conflicts, conflicts?.conflicts);
});

t.test('a mark of a version that a failover has lost is removed when the field has been republished', async (t) => {
  const backing = await withBacking(t);
  await openCommitter(backing.db).commit(new Map([[field, [jobOf(field, alice, [setCell(1, 1, 0.1)])]]]));
  await backing.db('unpublished_fields').insert([
    { field_id: field, version: 7 },
    { field_id: 'lost-altogether', version: 1 },
  ]);
  await republishFields({ ...backing });
  t.equal(await readCached(backing, field), await readStored(backing, field));
  t.same(await backing.db('unpublished_fields').select(), []);
});

t.test('fields whose logs are damaged do not keep maintenance from the others', async (t) => {
  const backing = await withBacking(t, { LOG_RETENTION_DAYS: '1' });
  const { db, reader } = backing;
  const committer = openCommitter(db);
  const updates = [setCell(1, 1, 0.1), setCell(2, 2, 0.2), setCell(3, 3, 0.3)];
  for (const each of ['a', 'b', 'c'].map(asField)) {
    await committer.commit(new Map([[each, [jobOf(each, alice, updates)]]]));
  }
  await backdateLog(backing, 2);
  await db('field_updates').whereIn('field_id', ['a', 'b']).where({ version: 2 }).delete();
  await t.rejects(flushSnapshots({ ...backing }), /version 3 does not follow 1/);
  const [row] = await db('consciousness_states').where('field_id', 'c').select('version', 'snapshot_version');
  t.equal(row.snapshot_version, row.version);
  await t.rejects(pruneLogs({ ...backing }), /version 3 does not follow 1/);
  t.equal((await reader.readLog(asField('c'), 0, 10))?.logStart, 3);
});

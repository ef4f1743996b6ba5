import type { Knex } from 'knex';
import t, { type Test } from 'tap';
import { type Backing, withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const field = asField('quarrel');

/** Creates a field at version 2 with one conflict: two devices wrote the same cell. */
async function withConflict(t: Test): Promise<Backing> {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  await backing.producer.enqueue(jobOf(field, asDevice('a'), [setCell(1, 0, 0.25)]));
  await waitForVersion(backing, field, 1);
  await backing.producer.enqueue(jobOf(field, asDevice('b'), [setCell(1, 0, 0.75)]));
  await waitForVersion(backing, field, 2);
  return backing;
}

/** Starts a read, blocks it on a lock of the table, and writes before it continues. */
async function writeDuringRead<Answer>(
  { db }: Backing,
  table: string,
  read: () => Promise<Answer>,
  write: (trx: Knex.Transaction) => Promise<unknown>,
): Promise<Answer> {
  let answer: Promise<Answer> | undefined;
  await db.transaction(async (trx) => {
    await trx.raw('LOCK TABLE ?? IN ACCESS EXCLUSIVE MODE', [table]);
    answer = read();
    // The caller handles a rejection; this prevents an unhandled one while the transaction is open.
    answer.catch(() => {});
    await waitUntil('the read waits for the table', async () => {
      const { rows } = await trx.raw('SELECT 1 FROM pg_locks WHERE NOT granted AND relation = ?::regclass', [table]);
      return rows.length > 0;
    });
    await write(trx);
  });
  if (!answer) throw new Error('nothing was read');
  return answer;
}

t.test('conflicts and their total are read from one consistent snapshot', async (t) => {
  const backing = await withConflict(t);
  const read = () => backing.reader.readConflicts(field);
  const found = await writeDuringRead(backing, 'field_conflicts', read, async (trx) => {
    await trx.raw(
      `INSERT INTO field_conflicts (field_id, version, cell, local, remote, resolution, time)
       SELECT field_id, version + 1, cell, local, remote, resolution, time FROM field_conflicts`,
    );
    await trx('consciousness_states').where({ field_id: field }).increment('conflict_count');
  });
  t.equal(found?.total, found?.conflicts.length);
  t.equal((await read())?.total, 2, 'the next read sees the write');
});

t.test('a vector clock and its version are read from one consistent snapshot', async (t) => {
  const backing = await withConflict(t);
  const read = () => backing.reader.readClock(field);
  const found = await writeDuringRead(backing, 'vector_clocks', read, async (trx) => {
    await trx('vector_clocks').where({ field_id: field, device_id: 'a' }).increment('counter');
    await trx('consciousness_states').where({ field_id: field }).increment('version');
  });
  t.match(found, { version: 2, clock: { a: 1, b: 1 } });
  t.match(await read(), { version: 3, clock: { a: 2, b: 1 } });
});

t.test('a page of a log that is pruned during the read reports the oldest version that is kept', async (t) => {
  const backing = await withConflict(t);
  const read = () => backing.reader.readLog(field, 0, 10);
  const page = await writeDuringRead(backing, 'field_updates', read, async (trx) => {
    await trx('field_updates').where({ field_id: field, version: 1 }).delete();
    await trx('consciousness_states').where({ field_id: field }).update({ log_start: 1 });
  });
  t.match(page, { version: 2, logStart: 1 });
  t.same(
    page?.updates.map(({ version }) => version),
    [2],
  );
});

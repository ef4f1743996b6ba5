/**
 * The models against the servers that they stand for: the same histories are carried out on both, and every answer must be
 * the same.
 */
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { createFieldStore, type FieldStore } from '../../db/field-store.ts';
import type { FieldReader } from '../../db/read/field-reader.ts';
import { PostgresClock } from '../../db/read/postgres-clock.ts';
import { lockFields } from '../../db/write/lock-fields.ts';
import { createCacheKeys } from '../../shared/cache/cache-keys.ts';
import { FieldCache } from '../../shared/cache/field-cache.ts';
import { toFragments } from '../../shared/cache/state-fragments.ts';
import { FieldError } from '../../shared/errors.ts';
import { type Cursor, formatCursor } from '../../shared/field/cursor.ts';
import { foldUpdate } from '../../shared/field/fold.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { emptyChangeSet } from '../../shared/field/merge-update.ts';
import { encodeSnapshot } from '../../shared/field/snapshot.ts';
import { createFieldState, cursorOf, type FieldState } from '../../shared/field/state.ts';
import type { Update } from '../../shared/field/update.ts';
import { CommitProgress, commitBatch } from '../../workers/commit/commit-batch.ts';
import { HotFieldCache } from '../../workers/commit/hot-field-cache.ts';
import { pruneThrough } from '../../workers/maintenance/prune-logs.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { asDevice, asField, jobOf, putParticle, removeParticle, setCell } from '../support/updates.ts';
import { seededRandom } from '../unit/field/support/seeded-random.ts';
import { VirtualTime } from './kernel/virtual-time.ts';
import { Link } from './models/link.ts';
import { pruneRow } from './models/postgres/field-row.ts';
import { createModelReader } from './models/postgres/model-reader.ts';
import { createModelStore } from './models/postgres/model-store.ts';
import { PostgresServer } from './models/postgres/postgres-server.ts';
import { RedisConnection } from './models/redis/redis-connection.ts';
import { RedisServer } from './models/redis/redis-server.ts';
import { createScripts, decideByCursor } from './models/redis/scripts.ts';

const linkOptions = { timeoutMs: 10_000, isOrdered: true, createError: (failure: string) => new Error(failure) };

/** Lets virtual time pass until the work is done. */
async function drive<Result>(time: VirtualTime, work: () => Promise<Result>): Promise<Result> {
  let isDone = false;
  const running = work().finally(() => {
    isDone = true;
  });
  await time.runUntil(time.now + 600_000, () => isDone);
  return running;
}

interface Database {
  readonly store: FieldStore;
  readonly reader: FieldReader;
  readonly prune: (field: FieldId, through: number) => Promise<void>;
}

/** Commits as a worker does, on a copy of the fields of its own. */
function openWorker(store: FieldStore) {
  const deps = { store, fields: new HotFieldCache(), clock: new PostgresClock() };
  return async (field: FieldId, device: DeviceId, updates: readonly Update[]) => {
    const progress = new CommitProgress(new Map([[field, [jobOf(field, device, updates)]]]));
    await commitBatch(deps, progress);
    const applied = progress.committed.get(field);
    const results = applied?.results.flat().map((result) => result && { ...result, cursor: undefined });
    return { results, state: applied?.commit.state };
  };
}

/** A state without what differs between two databases: hashes and times. */
function describeState(state: FieldState | undefined) {
  if (!state) return undefined;
  const { hash, time, dynamics, ...snapshot } = encodeSnapshot(state);
  return { ...snapshot, sweptThrough: dynamics.sweptThrough };
}

/** Every kind of statement, and what makes it refuse: copies that are behind a commit, a purge or a deleted log. */
async function useDatabase({ store, reader, prune }: Database, field: FieldId): Promise<unknown[]> {
  const answers: unknown[] = [];
  const [a, b] = [asDevice('a'), asDevice('b')];
  const [first, second] = [openWorker(store), openWorker(store)];
  const refs = [1, 2, 9].map((counter) => ({ field, device: a, counter }));
  const read = async () => {
    const receipts = await store.findReceipts(refs);
    const position = (await store.readPositions([field])).get(field);
    const page = await reader.readLog(field, 1, 2);
    answers.push(
      receipts.map(({ entry, isPruned }) => [entry?.version, entry?.outcome, isPruned]),
      position && [position.version, position.sweptThrough],
      describeState(await reader.loadState(field)),
      page && [
        page.version,
        page.logStart,
        page.updates.map(({ version, outcome, sweptThrough }) => [version, outcome, sweptThrough]),
      ],
      (await reader.readClock(field))?.clock,
      (await reader.readConflicts(field))?.total,
      await reader.readLastCounter(field, b),
    );
  };
  const archived = async () => {
    const stored = (await store.load([field])).get(field);
    answers.push([stored?.archivedVersion, stored?.snapshotVersion]);
  };
  answers.push(await reader.loadState(field), await reader.readCursor(field));
  answers.push((await first(field, a, [putParticle(1, 'p'), removeParticle(2, 'p'), setCell(3, 1, 0.5)])).results);
  await read();
  // The copy of the second worker is fresh, and that of the first is behind afterwards.
  answers.push((await second(field, b, [setCell(1, 1, 0.25), putParticle(2, 'q', { resonance: 0.2 })])).results);
  answers.push((await first(field, a, [setCell(2, 1, 0.5), setCell(4, 2, 0.5)])).results);
  const stale = (await second(field, b, [setCell(3, 3, 0.75)])).state;
  await read();
  await prune(field, 4);
  await read();
  if (stale) await store.writeSnapshots([stale]);
  if (stale) await store.archiveStates([stale]);
  await archived();
  answers.push((await second(field, b, [putParticle(4, 'p', { resonance: 0.9 }, { timestamp: 1 })])).results);
  answers.push((await first(field, a, [setCell(1, 1, 1), setCell(5, 1, 1)])).results);
  await read();
  const current = (await second(field, b, [setCell(5, 7, 0.5)])).state;
  if (current) await store.archiveStates([current]);
  await archived();
  const cursors = await Promise.all([3, 4, 6].map(async (version) => cursorAt(reader, field, version)));
  const known = await store.findKnownCursors(
    [...cursors, formatCursor(6, 'f'.repeat(16))].flatMap((cursor) => (cursor ? [{ field, cursor }] : [])),
  );
  answers.push([...known].map(({ cursor }) => cursors.indexOf(cursor)).sort());
  answers.push(describeState(await reader.loadStateAt(field, 5)));
  answers.push(await reader.loadStateAt(field, 2).catch((error) => error instanceof FieldError && error.code));
  answers.push((await reader.readReceipt(field, a, 1)).status, (await reader.readReceipt(field, a, 77)).status);
  const sent = { field, device: a, updates: [setCell(5, 1, 1), setCell(1, 1, 1)], sentAt: 0 };
  answers.push((await reader.readResults(sent))?.results.map(({ outcome, version }) => [outcome, version]));
  return answers;
}

async function cursorAt(reader: FieldReader, field: FieldId, version: number): Promise<Cursor | undefined> {
  const state = await reader.loadStateAt(field, version).catch(() => undefined);
  return state && cursorOf(state);
}

t.test('the model of PostgreSQL answers every statement as PostgreSQL does', async (t) => {
  const { db, reader } = await withBacking(t);
  const real = await useDatabase(
    {
      store: createFieldStore(db, { usesPreparedStatements: false }),
      reader,
      prune: (field, through) =>
        db.transaction(async (trx) => {
          const [locked] = await lockFields(trx, [field]);
          if (locked) await pruneThrough(trx, locked, through);
        }),
    },
    asField('compared'),
  );
  const [time, random] = [new VirtualTime(1_780_000_000_000), seededRandom(1)];
  const server = new PostgresServer(time, random);
  const link = new Link({ time, random, server }, linkOptions);
  const modelled = await drive(time, () =>
    useDatabase(
      {
        store: createModelStore(server, link, { comparesPurges: true, boundsLogTime: true }),
        reader: createModelReader(server, link),
        prune: (field, through) =>
          link.request(() => server.update([field], (rows) => rows.map((row) => pruneRow(row, through)))),
      },
      asField('compared'),
    ),
  );
  t.same(modelled, real);
});

/** Copies that fit and that do not, fills with tokens that are current and that are void, and a second history. */
async function useCache(cache: FieldCache, field: FieldId): Promise<unknown[]> {
  const answers: unknown[] = [];
  const state = createFieldState(field);
  const step = (update: Update, hash: string) => {
    const from = cursorOf(state);
    const changes = emptyChangeSet();
    foldUpdate(state, asDevice('a'), update, update.counter, changes);
    state.hash = hash;
    return { from, fragments: toFragments(state, changes), delta: `delta to ${state.version}` };
  };
  const read = async () => {
    const copy = await cache.read(field);
    const cursor = await cache.readCursor(field);
    answers.push(copy && { ...copy, particles: [...copy.particles], cells: [...copy.cells] }, cursor);
    answers.push(await cache.readUnless(field, cursor));
  };
  await read();
  const [voided, current] = [await cache.beginFill(field), await cache.beginFill(field)];
  answers.push(voided === current);
  answers.push(await cache.publish(step(putParticle(1, 'p'), 'a'.repeat(64))));
  await cache.fill(voided, toFragments(state));
  await read();
  await cache.fill(await cache.beginFill(field), toFragments(state));
  await read();
  answers.push(await cache.publish(step(setCell(2, 1, 0.5), 'b'.repeat(64))));
  answers.push(await cache.publish(step(removeParticle(3, 'p'), 'c'.repeat(64))));
  await read();
  const lost = step(setCell(4, 1, 0.75), 'd'.repeat(64));
  answers.push(await cache.publish({ ...lost, from: formatCursor(3, 'e'.repeat(64)) }));
  await read();
  await cache.fill(await cache.beginFill(field), toFragments(state));
  await cache.invalidate(field, formatCursor(4, 'e'.repeat(64)));
  await read();
  await cache.invalidate(field, cursorOf(state));
  await read();
  return answers;
}

t.test('the model of Redis carries out the scripts of the cache as Redis does', async (t) => {
  const { cacheRedis } = await withBacking(t);
  const keys = createCacheKeys('compared', randomUUID());
  const real = await useCache(new FieldCache(cacheRedis, keys, 60), asField('cached'));
  const [time, random] = [new VirtualTime(1_780_000_000_000), seededRandom(1)];
  const server = new RedisServer(time);
  const link = new Link({ time, random, server }, linkOptions);
  const connection = new RedisConnection({ time, server, link, scripts: createScripts(decideByCursor) });
  const modelled = await drive(time, () => useCache(new FieldCache(connection, keys, 60), asField('cached')));
  t.same(modelled, real);
});

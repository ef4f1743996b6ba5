import t from 'tap';
import { ConflictCounter, type ConflictPage, type PageConflict } from '../../../page/conflicts/conflict-counter.ts';
import { asDevice } from '../../support/updates.ts';

const side = (device: string, value: number) => ({
  device: asDevice(device),
  counter: 1,
  timestamp: 0,
  value,
});
const at = (version: number): PageConflict => ({
  cell: `${version},0`,
  local: side('a', 0),
  remote: side('b', 1),
  resolution: 'used_remote',
  version,
  time: 0,
});
const page = (...versions: number[]): ConflictPage => ({ total: versions.length, conflicts: versions.map(at) });
const versions = (counter: ConflictCounter) => counter.current.conflicts.map(({ version }) => version);

/** A read that completes when the test calls `respond` or `fail`. */
function slowRead() {
  let [respond, fail] = [(_: ConflictPage) => {}, (_: Error) => {}];
  const promise = new Promise<ConflictPage>((resolve, reject) => {
    [respond, fail] = [resolve, reject];
  });
  return { read: () => promise, respond, fail };
}

t.test('conflicts from the stream are listed before those that were read', async (t) => {
  const counter = new ConflictCounter(3);
  await counter.load(async () => ({ total: 40, conflicts: [9, 7, 4].map(at) }));
  t.equal(counter.add(at(12)), true);
  t.equal(counter.current.total, 41);
  t.same(versions(counter), [12, 9, 7]);
});

t.test('a conflict that arrives between the creation of a response and its receipt is not lost', async (t) => {
  const counter = new ConflictCounter(3);
  const slow = slowRead();
  const filled = counter.load(slow.read);
  for (const version of [5, 6, 7, 8]) counter.add(at(version));
  slow.respond(page());
  await filled;
  t.equal(counter.current.total, 4);
  t.same(versions(counter), [8, 7, 6]);
});

t.test('a conflict that the response includes is counted once, whether it arrives before or after it', async (t) => {
  const counter = new ConflictCounter(3);
  const slow = slowRead();
  const filled = counter.load(slow.read);
  counter.add(at(5));
  slow.respond(page(6, 5));
  await filled;
  t.equal(counter.add(at(6)), false);
  t.equal(counter.current.total, 2);
  t.same(versions(counter), [6, 5]);
});

t.test('several conflicts of one update are all counted', async (t) => {
  const counter = new ConflictCounter(3);
  await counter.load(async () => page(4));
  t.equal(counter.add(at(5)), true);
  t.equal(counter.add({ ...at(5), cell: 'particle/p' }), true);
  t.equal(counter.current.total, 3);
});

t.test('of two reads the one of the later version wins; a failed one changes nothing', async (t) => {
  const counter = new ConflictCounter(3);
  const [early, failing, late] = [slowRead(), slowRead(), slowRead()];
  const fills = [counter.load(early.read), counter.load(late.read)];
  const failed = t.rejects(counter.load(failing.read), /away/);
  counter.add(at(5));
  late.respond(page(6, 5, 3));
  failing.fail(new Error('away'));
  early.respond(page(3));
  await Promise.all([...fills, failed]);
  t.equal(counter.current.total, 3);
  t.same(versions(counter), [6, 5, 3]);
});

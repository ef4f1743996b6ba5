import t from 'tap';
import { ConflictCounter, type ConflictPage, type PageConflict } from '../../../page/conflict-counter.ts';
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
const versions = (tally: ConflictCounter) => tally.current.conflicts.map(({ version }) => version);

/** A read that is answered when the test says so. */
function slowRead() {
  let [answer, fail] = [(_: ConflictPage) => {}, (_: Error) => {}];
  const promise = new Promise<ConflictPage>((resolve, reject) => {
    [answer, fail] = [resolve, reject];
  });
  return { read: () => promise, answer, fail };
}

t.test('what the stream tells is kept before what was read', async (t) => {
  const tally = new ConflictCounter(3);
  await tally.load(async () => ({ total: 40, conflicts: [9, 7, 4].map(at) }));
  t.equal(tally.add(at(12)), true);
  t.equal(tally.current.total, 41);
  t.same(versions(tally), [12, 9, 7]);
});

t.test('one told after the answer was made, and before it came, is not lost', async (t) => {
  const tally = new ConflictCounter(3);
  const slow = slowRead();
  const filled = tally.load(slow.read);
  for (const version of [5, 6, 7, 8]) tally.add(at(version));
  slow.answer(page());
  await filled;
  t.equal(tally.current.total, 4);
  t.same(versions(tally), [8, 7, 6]);
});

t.test('one that the answer holds already is counted once, told before it or after', async (t) => {
  const tally = new ConflictCounter(3);
  const slow = slowRead();
  const filled = tally.load(slow.read);
  tally.add(at(5));
  slow.answer(page(6, 5));
  await filled;
  t.equal(tally.add(at(6)), false);
  t.equal(tally.current.total, 2);
  t.same(versions(tally), [6, 5]);
});

t.test('one update may conflict in several places', async (t) => {
  const tally = new ConflictCounter(3);
  await tally.load(async () => page(4));
  t.equal(tally.add(at(5)), true);
  t.equal(tally.add({ ...at(5), cell: 'particle/p' }), true);
  t.equal(tally.current.total, 3);
});

t.test('of two reads the one of the later moment stands; a failed one changes nothing', async (t) => {
  const tally = new ConflictCounter(3);
  const [early, failing, late] = [slowRead(), slowRead(), slowRead()];
  const fills = [tally.load(early.read), tally.load(late.read)];
  const failed = t.rejects(tally.load(failing.read), /away/);
  tally.add(at(5));
  late.answer(page(6, 5, 3));
  failing.fail(new Error('away'));
  early.answer(page(3));
  await Promise.all([...fills, failed]);
  t.equal(tally.current.total, 3);
  t.same(versions(tally), [6, 5, 3]);
});

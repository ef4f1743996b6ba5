/** Jobs of low priority are committed whole while nothing else arrives, and in small parts while something does. */
import t, { type Test } from 'tap';
import type { ApplyUpdates, ApplyUpdatesResult } from '../../../shared/contract/job.ts';
import { PriorityLanes } from '../../../workers/commit/priority-lanes.ts';
import { asCursor, asDevice, asField, jobOf, setCell } from '../../support/updates.ts';

const field = asField('garden');
const [phone, file] = [asDevice('phone'), asDevice('file')];

const jobWith = (device: typeof phone, updates: number, firstCounter = 1) =>
  jobOf(
    field,
    device,
    Array.from({ length: updates }, (_, index) => setCell(firstCounter + index, 1, 0.5)),
  );

interface Submitted {
  readonly job: ApplyUpdates;
  readonly commit: () => void;
  readonly fail: () => void;
}

/** Lanes on a committer that the test commits for. Time stands still until the test changes it. */
function createLanes() {
  const submitted: Submitted[] = [];
  const clock = { now: 0 };
  let version = 0;
  const submit = (job: ApplyUpdates) =>
    new Promise<ApplyUpdatesResult>((resolve, reject) => {
      const commit = () => {
        const results = job.updates.map(({ counter }) => {
          version += 1;
          return { counter, outcome: 'applied' as const, version, cursor: asCursor(version) };
        });
        resolve({ field, version, cursor: asCursor(version), results });
      };
      submitted.push({ job, commit, fail: () => reject(new Error('refused')) });
    });
  return { lanes: new PriorityLanes({ submit }, () => clock.now), submitted, clock };
}

/** What was submitted, as device and number of updates, after all that could be submitted was. */
async function listSubmitted({ submitted }: ReturnType<typeof createLanes>, length: number): Promise<string[]> {
  while (submitted.length < length) await new Promise(setImmediate);
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
  return submitted.map(({ job }) => `${job.device} ${job.updates.length}`);
}

t.test('jobs of low priority are submitted whole and at once while nothing else arrives', async (t: Test) => {
  const setup = createLanes();
  const jobs = [jobWith(file, 100), jobWith(file, 70, 101)];
  const answers = jobs.map((job, index) => setup.lanes.submit(job, index, true));
  t.same(await listSubmitted(setup, 2), ['file 100', 'file 70']);
  for (const { commit } of setup.submitted) commit();
  t.same(
    (await Promise.all(answers)).map(({ results }) => results.length),
    [100, 70],
  );
});

t.test('while others arrive they are submitted in parts, one after the other, and the others at once', async (t) => {
  const setup = createLanes();
  void setup.lanes.submit(jobWith(phone, 1), 0, false);
  const answers = [jobWith(file, 60), jobWith(file, 1, 61)].map((job, index) => setup.lanes.submit(job, index, true));
  t.same(await listSubmitted(setup, 2), ['phone 1', 'file 20']);
  void setup.lanes.submit(jobWith(phone, 1, 2), 3, false);
  t.same(await listSubmitted(setup, 3), ['phone 1', 'file 20', 'phone 1'], 'others do not wait for the part');
  for (const [index, expected] of [
    [1, 'file 20'],
    [3, 'file 20'],
    [4, 'file 1'],
  ] as const) {
    setup.submitted[index]?.commit();
    t.equal((await listSubmitted(setup, index === 1 ? 4 : index + 2)).at(-1), expected);
  }
  setup.submitted[5]?.commit();
  const [first] = await Promise.all(answers);
  t.same(
    first?.results.map(({ counter }) => counter),
    Array.from({ length: 60 }, (_, index) => index + 1),
    'the job is answered with the results of all parts',
  );
  t.equal(first?.version, 60, 'and the version of the last one');
});

t.test('the rest is submitted whole as soon as nothing else arrives any more', async (t) => {
  const setup = createLanes();
  void setup.lanes.submit(jobWith(phone, 1), 0, false);
  const answers = [jobWith(file, 100), jobWith(file, 80, 101)].map((job, index) =>
    setup.lanes.submit(job, index, true),
  );
  await listSubmitted(setup, 2);
  setup.clock.now = 1000;
  setup.submitted[1]?.commit();
  await listSubmitted(setup, 3);
  setup.submitted[2]?.commit();
  t.same(await listSubmitted(setup, 4), ['phone 1', 'file 20', 'file 80', 'file 80']);
  setup.submitted[3]?.commit();
  await Promise.all(answers);
});

t.test('a part that fails ends its job, and the next one is submitted', async (t) => {
  const setup = createLanes();
  void setup.lanes.submit(jobWith(phone, 1), 0, false);
  const failing = t.rejects(setup.lanes.submit(jobWith(file, 60), 1, true), { message: 'refused' });
  const next = setup.lanes.submit(jobWith(file, 2, 61), 2, true);
  await listSubmitted(setup, 2);
  setup.submitted[1]?.fail();
  await failing;
  t.same(await listSubmitted(setup, 3), ['phone 1', 'file 20', 'file 2']);
  setup.submitted[2]?.commit();
  t.equal((await next).results.length, 2);
});

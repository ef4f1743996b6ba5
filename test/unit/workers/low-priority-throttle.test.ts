/** Jobs of low priority are committed whole while nothing else arrives, and in small parts while something does. */
import t, { type Test } from 'tap';
import type { ApplyUpdates, ApplyUpdatesResult } from '../../../shared/contract/job.ts';
import { LowPriorityThrottle } from '../../../workers/commit/low-priority-throttle.ts';
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

/** A throttle on a committer that the test commits for. Time stands still until the test changes it, and pauses are not waited for. */
function createThrottle() {
  const submitted: Submitted[] = [];
  const clock = { now: 0 };
  const pauses: number[] = [];
  const parts: [part: ApplyUpdates, job: ApplyUpdates][] = [];
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
  const throttle = new LowPriorityThrottle({
    committer: { submit },
    onPart: (part, job) => parts.push([part, job]),
    readTime: () => clock.now,
    pause: async (ms) => {
      pauses.push(ms);
    },
  });
  return { throttle, submitted, clock, pauses, parts };
}

/** What was submitted, as device and number of updates, after all that could be submitted was. */
async function listSubmitted({ submitted }: ReturnType<typeof createThrottle>, length: number): Promise<string[]> {
  while (submitted.length < length) await new Promise(setImmediate);
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
  return submitted.map(({ job }) => `${job.device} ${job.updates.length}`);
}

t.test('jobs of low priority are submitted whole and at once while nothing else arrives', async (t: Test) => {
  const setup = createThrottle();
  const jobs = [jobWith(file, 100), jobWith(file, 70, 101)];
  const answers = jobs.map((job, index) => setup.throttle.submit(job, index, true));
  t.same(await listSubmitted(setup, 2), ['file 100', 'file 70']);
  t.equal(setup.submitted[0]?.job, jobs[0], 'as the same object, so that what is known of it still is');
  for (const { commit } of setup.submitted) commit();
  t.same(
    (await Promise.all(answers)).map(({ results }) => results.length),
    [100, 70],
  );
  t.same(setup.pauses, []);
});

t.test('while others arrive they are submitted in parts, one after the other, and the others at once', async (t) => {
  const setup = createThrottle();
  void setup.throttle.submit(jobWith(phone, 1), 0, false);
  const job = jobWith(file, 60);
  const answer = setup.throttle.submit(job, 1, true);
  t.same(await listSubmitted(setup, 2), ['phone 1', 'file 20']);
  void setup.throttle.submit(jobWith(phone, 1, 2), 3, false);
  t.same(await listSubmitted(setup, 3), ['phone 1', 'file 20', 'phone 1'], 'others do not wait for the part');
  setup.clock.now = 10;
  setup.submitted[1]?.commit();
  t.equal((await listSubmitted(setup, 4)).length, 4);
  setup.clock.now = 100;
  setup.submitted[3]?.commit();
  t.equal((await listSubmitted(setup, 5)).length, 5);
  setup.submitted[4]?.commit();
  const { results, version } = await answer;
  t.same(
    results.map(({ counter }) => counter),
    Array.from({ length: 60 }, (_, index) => index + 1),
    'the job is answered with the results of all parts',
  );
  t.equal(version, 60, 'and the version of the last one');
  await listSubmitted(setup, 5);
  t.same(setup.pauses, [150, 250, 0], 'pauses are in proportion to what parts take, up to a limit');
  t.ok(setup.parts.length === 3 && setup.parts.every(([, whole]) => whole === job), 'parts are known to be of the job');
});

t.test('small jobs are in one part together', async (t) => {
  const setup = createThrottle();
  void setup.throttle.submit(jobWith(phone, 1), 0, false);
  for (let index = 0; index < 30; index += 1) void setup.throttle.submit(jobWith(file, 1, index + 1), index + 1, true);
  // The first one did not wait for others.
  await listSubmitted(setup, 2);
  setup.submitted[1]?.commit();
  t.equal((await listSubmitted(setup, 22)).length, 22);
});

t.test('the rest is submitted whole as soon as nothing else arrives any more', async (t) => {
  const setup = createThrottle();
  void setup.throttle.submit(jobWith(phone, 1), 0, false);
  const answers = [jobWith(file, 100), jobWith(file, 80, 101)].map((job, index) =>
    setup.throttle.submit(job, index, true),
  );
  await listSubmitted(setup, 2);
  setup.clock.now = 1000;
  setup.submitted[1]?.commit();
  t.same(await listSubmitted(setup, 4), ['phone 1', 'file 20', 'file 80', 'file 80']);
  for (const { commit } of setup.submitted) commit();
  await Promise.all(answers);
});

t.test('all is submitted when the process stops, and the oldest when too many wait', async (t) => {
  const setup = createThrottle();
  void setup.throttle.submit(jobWith(phone, 1), 0, false);
  const answers = Array.from({ length: 52 }, (_, index) =>
    setup.throttle.submit(jobWith(file, 40, 1 + 40 * index), index + 1, true),
  );
  t.same(await listSubmitted(setup, 4), ['phone 1', 'file 20', 'file 20', 'file 40'], 'two do not wait any longer');
  setup.throttle.flush();
  t.equal((await listSubmitted(setup, 54)).length, 54);
  for (const { commit } of setup.submitted) commit();
  t.ok((await Promise.all(answers)).every(({ results }) => results.length === 40));
});

t.test('a part that fails ends its job, and the next one is submitted', async (t) => {
  const setup = createThrottle();
  void setup.throttle.submit(jobWith(phone, 1), 0, false);
  const failing = t.rejects(setup.throttle.submit(jobWith(file, 60), 1, true), { message: 'refused' });
  const next = setup.throttle.submit(jobWith(file, 2, 61), 2, true);
  await listSubmitted(setup, 2);
  setup.submitted[1]?.fail();
  await failing;
  t.same(await listSubmitted(setup, 3), ['phone 1', 'file 20', 'file 2']);
  setup.submitted[2]?.commit();
  t.equal((await next).results.length, 2);
});

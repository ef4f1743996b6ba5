/** The authorization checks that a worker repeats after the API, before it applies a job. */
import t from 'tap';
import { listRevocations, revoke } from '../../db/models/revocation.ts';
import type { ApplyUpdates } from '../../shared/contract/job.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { asDevice, asField, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const backing = await withBacking(t);
await revoke(backing.db, { kind: 'token', subject: 'stolen' });
await revoke(backing.db, { kind: 'device', subject: 'lost' });
await revoke(backing.db, { kind: 'user', subject: 'mallory' });
const revokedAt = Date.now();
await withWorker(t, backing);
const { first: queue } = backing.producer.queues;

const field = asField('team-red');
let counter = 0;

/** @returns `applied`, or the reason why the job failed */
async function readOutcome(job: Partial<ApplyUpdates>): Promise<string> {
  counter += 1;
  const data = { field, device: asDevice('phone'), updates: [setCell(counter, 0, 0.5)], acceptedAt: Date.now() };
  const added = await queue.add('apply-updates', { ...data, ...job });
  return waitUntil('the job has ended', async () => {
    const found = await queue.getJob(added.id ?? '');
    // Completed jobs are removed from the queue.
    if (!found) return 'applied';
    return found.finishedOn === undefined ? undefined : found.failedReason;
  });
}

const after = { acceptedAt: revokedAt + 10_000 };
const before = { acceptedAt: revokedAt - 10_000 };
const notCovered = /^forbidden: the token did not cover this field$/;
const revoked = /^token_revoked: the token was revoked before this was accepted$/;

t.test('a job for a field that its token did not cover fails with the reason', async (t) => {
  t.equal(await readOutcome({ grant: { pattern: 'team-*' } }), 'applied');
  t.equal(await readOutcome({ grant: { pattern: 'team-red' } }), 'applied');
  t.equal(await readOutcome({ grant: { pattern: '*' } }), 'applied');
  t.match(await readOutcome({ grant: { pattern: 'team-blue' } }), notCovered);
  t.match(await readOutcome({ grant: { pattern: 'team-re' } }), notCovered);
});

t.test('updates accepted before their token was revoked are applied, and those accepted after fail', async (t) => {
  const issuedAt = Math.floor(revokedAt / 1000) - 60;
  const cases: Partial<ApplyUpdates>[] = [
    { grant: { pattern: '*', tokenId: 'stolen' } },
    { grant: { pattern: '*', tokenId: 'stolen', issuedAt: issuedAt + 3600 } },
    { grant: { pattern: '*', issuedAt }, device: asDevice('lost') },
    { grant: { pattern: '*', issuedAt }, user: 'mallory' },
    { grant: { pattern: '*' }, user: 'mallory' },
  ];
  for (const job of cases) {
    t.equal(await readOutcome({ ...job, ...before }), 'applied');
    t.match(await readOutcome({ ...job, ...after }), revoked);
  }
});

t.test('a token that was issued after its device or user was revoked is valid', async (t) => {
  const issuedAt = Math.floor(revokedAt / 1000) + 5;
  t.equal(await readOutcome({ grant: { pattern: '*', issuedAt }, device: asDevice('lost'), ...after }), 'applied');
  t.equal(await readOutcome({ grant: { pattern: '*', issuedAt }, user: 'mallory', ...after }), 'applied');
});

t.test(
  'a worker knows every revocation before it applies a job that was not checked against recent ones',
  async (t) => {
    const acceptedAt = Date.now() + 10_000;
    for (const user of ['late-1', 'late-2', 'late-3']) {
      t.equal(await readOutcome({ user, grant: { pattern: '*' }, acceptedAt }), 'applied');
      await revoke(backing.db, { kind: 'user', subject: user });
      t.match(await readOutcome({ user, grant: { pattern: '*' }, acceptedAt }), revoked);
    }
  },
);

t.test('a job that was checked against recent revocations is applied even if later ones concern it', async (t) => {
  const [known] = await listRevocations(backing.db);
  const checked = known?.change ?? 0;
  await revoke(backing.db, { kind: 'user', subject: 'eve' });
  const outcomeOf = (revocations: number) =>
    readOutcome({ user: 'eve', grant: { pattern: '*', revocations }, acceptedAt: Date.now() + 10_000 });
  t.equal(await outcomeOf(checked), 'applied');
  const isRefused = async () => revoked.test(await outcomeOf(checked + 1));
  t.ok(await waitUntil('a job whose check should have found the revocation is refused', isRefused));
});

t.test('a job without a grant, as somebody adds by hand, cannot write as a revoked device or user', async (t) => {
  const ofLost = { device: asDevice('lost') };
  t.equal(await readOutcome({ ...ofLost, ...before }), 'applied');
  t.match(await readOutcome({ ...ofLost, ...after }), /^token_revoked: the device or user was revoked/);
  t.match(await readOutcome({ user: 'mallory', ...after }), /^token_revoked/);
  t.equal(await readOutcome({ device: asDevice('never-revoked'), ...after }), 'applied');
});

t.test('forged jobs are checked like any other, whoever added them', async (t) => {
  const forged = (job: unknown) => readOutcome(job as Partial<ApplyUpdates>);
  const invalid = /^invalid_input/;
  for (const device of ['', 'no spaces', '__proto__', 'x'.repeat(65), 7, null, { id: 'x' }]) {
    t.match(await forged({ device }), invalid, `device ${JSON.stringify(device)}`);
  }
  for (const name of ['../etc', 'UPPER', '', 7]) t.match(await forged({ field: name }), invalid, `field ${name}`);
  t.match(await forged({ isAdmin: true }), invalid, 'an unknown key');
  t.match(await forged({ grant: '*' }), invalid, 'a grant of the wrong type');
  t.match(await forged({ grant: { pattern: '.*' } }), invalid, 'a grant with a pattern of another kind');
  t.match(await forged({ grant: {} }), invalid, 'an empty grant');
  t.match(await forged({ grant: { pattern: 'garden' } }), notCovered);
  t.match(await forged({ acceptedAt: 'now' }), invalid);
  t.match(await forged({ updates: [] }), invalid);
  t.match(await forged({ updates: { length: 1 } }), invalid);
  const counters = Array.from({ length: 501 }, (_, index) => setCell(20_000 + index, 0, 0.5));
  t.match(await forged({ updates: counters }), invalid, '501 updates');
  t.match(await forged({ updates: [setCell(5, 0, 0.5), setCell(4, 0, 0.5)] }), invalid, 'counters that fall');
  const puts = Array.from({ length: 500 }, (_, index) => ({
    ...{ kind: 'particle.put', counter: 30_000 + index, timestamp: 1, id: `p${index}` },
    content: 'x'.repeat(2000),
    connections: Array.from({ length: 64 }, (_, link) => `${link}`.padEnd(30, 'y')),
  }));
  t.match(await forged({ updates: puts }), /^invalid_input: the updates are larger than a request/, '2 MB');
  t.equal(await forged({ updates: puts.slice(0, 200) }), 'applied', 'what a request may contain');
});

t.test('jobs with keys such as __proto__ fail or lose those keys', async (t) => {
  const update = JSON.parse('{"counter":9000,"timestamp":1,"seen":0,"kind":"particle.remove","id":"x","__proto__":{}}');
  t.match(await readOutcome({ updates: [update] }), /^invalid_input/);
  const clocked = JSON.parse(
    '{"counter":9001,"timestamp":1,"kind":"particle.remove","id":"x","clock":{"__proto__":1}}',
  );
  t.equal(await readOutcome({ updates: [clocked] }), 'applied');
  const { rows } = await backing.db.raw('SELECT update FROM field_updates WHERE counter = 9001');
  t.same(Object.keys(rows[0].update.clock ?? {}), [], 'a vector clock drops them');
  t.match(await readOutcome(JSON.parse('{"__proto__":{"user":"x"},"constructor":{}}')), /^invalid_input/);
});

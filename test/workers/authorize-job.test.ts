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

t.test('jobs with keys such as __proto__ fail or lose those keys', async (t) => {
  const update = JSON.parse('{"counter":9000,"timestamp":1,"seen":0,"kind":"particle.remove","id":"x","__proto__":{}}');
  t.match(await readOutcome({ updates: [update] }), /^invalid_input/);
  const clocked = JSON.parse(
    '{"counter":9001,"timestamp":1,"kind":"particle.remove","id":"x","clock":{"__proto__":1}}',
  );
  t.equal(await readOutcome({ updates: [clocked] }), 'applied');
  const { rows } = await backing.db.raw('SELECT update FROM field_updates WHERE counter = 9001');
  t.equal(JSON.stringify(rows[0].update.clock), '{}', 'a vector clock drops them');
  t.match(await readOutcome(JSON.parse('{"__proto__":{"user":"x"},"constructor":{}}')), /^invalid_input/);
});

import t from 'tap';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';

const field = asField('garden');
const device = asDevice('alice');

t.test('results distinguish an applied update from a duplicate and from a reused counter', async (t) => {
  const backing = await withBacking(t);
  const { reader, producer } = backing;
  await withWorker(t, backing);
  const updates = [setCell(1, 1, 0.1)];
  const before = Date.now() - 1000;
  t.equal(await reader.readResults({ field, device, updates, sentAt: before }), undefined, 'nothing is known yet');
  await producer.enqueue(jobOf(field, device, updates));
  await waitForVersion(backing, field, 1);
  const after = Date.now() + 60_000;
  const outcomeOf = async (sent: typeof updates, sentAt: number) =>
    (await reader.readResults({ field, device, updates: sent, sentAt }))?.results[0];
  t.match(await outcomeOf(updates, before), { counter: 1, outcome: 'applied', version: 1, cursor: /^1\./ });
  t.match(
    await outcomeOf(updates, after),
    { counter: 1, outcome: 'duplicate', version: 1, cursor: /^1\./ },
    'it was logged before it was sent',
  );
  t.match(await outcomeOf([setCell(1, 1, 0.9)], before), { counter: 1, outcome: 'reused', version: 1, cursor: /^1\./ });
  const [first] = updates;
  if (first) t.match(await outcomeOf([{ ...first, timestamp: 5 }], after), { outcome: 'duplicate' });
});

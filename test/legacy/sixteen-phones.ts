/** Sixteen phones run the original's own hook against this system. Nothing that one of them sends may be lost or doubled. */
import t, { type Test } from 'tap';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { readParticles } from '../api/legacy-trpc/with-legacy.ts';
import { settingsOf, withField } from '../cli/run-field.ts';
import { withProcess } from '../support/processes/with-process.ts';
import { type Backing, withBacking } from '../support/processes/with-worker.ts';
import { waitUntil } from '../support/wait-until.ts';
import { bundleApp } from './original/bundle.ts';
import { checkOutOriginal } from './original/checkout.ts';
import { runPhones } from './phones/run-phones.ts';
import {
  type Counts,
  count,
  countAnswers,
  countSent,
  eventKey,
  particleKey,
  particlesOf,
  subtract,
  tally,
} from './phones/tally.ts';

const phones = 16;
const updatesEach = 40;

t.test('sixteen phones with the original hook lose nothing and double nothing', async (t) => {
  const app = await bundleApp(await checkOutOriginal(t));
  const backing = await withBacking(t);
  const address = await startSystem(t, backing);
  const reports = await runPhones(t, { app, address, phones, updatesEach });

  const sent = countSent(reports);
  // What was answered too late for the app may still be in the queue.
  await waitUntil('the log has all that was acknowledged', async () => {
    const missing = subtract(sent.acknowledged, await countLogged(backing));
    return missing.size === 0;
  });
  const logged = await countLogged(backing);
  const answers = countAnswers(reports);
  const [all, particles] = [sent.all, sent.acknowledged].map(particlesOf);
  const ofParticles = tally({ all: all ?? new Map(), acknowledged: particles ?? new Map() }, particlesOf(logged));
  const total = tally(sent, logged);
  const seconds = Math.max(...reports.map((report) => report.seconds)).toFixed(1);
  t.comment(`particles: ${JSON.stringify(ofParticles)} in ${seconds} s`);
  t.comment(`particles and events: ${JSON.stringify(total)}`);
  t.comment(`answers: ${JSON.stringify(Object.fromEntries([...answers].sort()))}`);

  const handedOver = count(reports.flatMap(({ contents }) => contents.map(particleKey)));
  t.equal(handedOver.size, phones * updatesEach);
  t.same(subtract(handedOver, sent.all), new Map(), 'the hook has sent each particle');
  t.same(subtract(sent.acknowledged, logged), new Map(), 'nothing that was acknowledged is lost');
  t.same(subtract(logged, sent.all), new Map(), 'nothing is stored twice');
  t.same(subtract(sent.all, sent.acknowledged), new Map(), 'each was acknowledged in the time that the app waits');
  t.same(await backing.db('field_updates').whereNot({ outcome: 'applied' }), [], 'all were applied');

  const kept = (await readParticles(backing)).map(({ attributes }) => particleKey(attributes.content?.value));
  t.same(count(kept), particlesOf(logged), 'the state has each particle');
  const run = await withField(t, settingsOf(backing));
  t.match(await run(['verify', 'global']), { code: 0, stdout: /1 field verified, 0 differ/ });
});

/** @returns the address of the API, once it answers as the app expects */
async function startSystem(t: Test, backing: Backing): Promise<string> {
  const port = await findFreePort();
  const address = `http://127.0.0.1:${port}`;
  await withProcess(t, 'workers', backing);
  await withProcess(t, 'api', backing, { PORT: String(port), HOST: '127.0.0.1', LEGACY_TRPC_FIELD: 'global' });
  const url = `${address}/api/trpc/consciousness.field.getState`;
  await waitUntil('the API serves the app', async () => (await fetch(url)).ok, { timeoutMs: 60_000 });
  return address;
}

/** An app has several devices here, whose ids begin with the same one. */
async function countLogged({ db }: Backing): Promise<Counts> {
  const rows = await db('field_updates').where({ field_id: 'global' });
  return count(
    rows.map(({ device_id: device, update }) =>
      update.kind === 'particle.put'
        ? particleKey(update.content)
        : eventKey(device.split(':').slice(0, 2).join(':'), update.type),
    ),
  );
}

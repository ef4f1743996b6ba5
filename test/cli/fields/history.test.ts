import t, { type Test } from 'tap';
import { toFragments } from '../../../shared/cache/state-fragments.ts';
import { serializeState } from '../../../shared/cache/state-serializer.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { waitForVersion } from '../../support/read-back.ts';
import { asDevice, asField, jobOf, putParticle, removeParticle, setCell } from '../../support/updates.ts';
import { settingsOf, withField } from '../run-field.ts';

const garden = asField('garden');
const [alice, bob] = [asDevice('alice'), asDevice('bob')];

async function withHistory(test: Test) {
  const backing = await withBacking(test, { SNAPSHOT_EVERY: '10' });
  const worker = await withWorker(test, backing);
  const send = async (version: number, job: ReturnType<typeof jobOf>) => {
    await backing.producer.enqueue(job);
    await waitForVersion(backing, garden, version);
  };
  await send(1, { ...jobOf(garden, alice, [putParticle(1, 'star', { resonance: 0.2 })]), user: 'anna' });
  await send(2, jobOf(garden, bob, [putParticle(1, 'star', { resonance: 0.9 }, { timestamp: 5 })]));
  await send(3, jobOf(garden, bob, [putParticle(2, 'other', { resonance: 0.1 })]));
  await send(4, jobOf(garden, alice, [setCell(2, 3, 0.25)]));
  await send(5, jobOf(garden, bob, [setCell(3, 3, 0.75), setCell(4, 4, 0.5)]));
  await send(7, jobOf(garden, alice, [removeParticle(3, 'star', { seen: 6 })]));
  await worker.stop();
  return { backing, field: await withField(test, settingsOf(backing)) };
}

t.test('history shows who changed a particle or a cell, what they wrote and which write was overridden', async (t) => {
  const { field } = await withHistory(t);
  const star = await field(['history', 'garden', 'star']);
  t.equal(star.code, 0, star.stderr);
  const lines = star.stdout.split('\n');
  t.match(lines[1], /^7 +20\S+ +alice 3 +- +applied +removed$/);
  t.match(
    lines[2],
    /^2 +20\S+ +bob 1 +- +conflict: kept_local +\{"resonance":0\.9\} +this one, to alice 1 \(\{"resonance":0\.2\}\)$/,
  );
  t.match(lines[3], /^1 +20\S+ +alice 1 +anna +applied +\{"resonance":0\.2\}$/);
  t.equal(lines[4], '3 changes of star in garden');

  const cell = JSON.parse((await field(['history', 'garden', '3,0', '--json'])).stdout);
  t.match(cell, { kind: 'cell', x: 3, y: 0, keptAfter: 0 });
  t.match(cell.changes, [
    { version: 5, device: 'bob', outcome: 'conflict', conflict: { local: { device: 'alice', value: 0.25 } } },
    { version: 4, device: 'alice', outcome: 'applied' },
  ]);
  const limited = await field(['history', 'garden', 'star', '--limit', '1']);
  t.match(limited, { code: 0, stdout: /\n1 changes of star in garden\n$/ });
  t.match(await field(['history', 'garden', 'nothing']), { code: 0, stdout: 'no changes of nothing in garden\n' });
  t.match(await field(['history', 'desert', 'star']), { code: 1, stderr: /no field desert/ });
});

t.test('search finds updates of all fields by device, user, kind, outcome and time', async (t) => {
  const { field, backing } = await withHistory(t);
  const versions = async (...args: string[]) => {
    const { stdout, stderr } = await field(['search', '--json', ...args]);
    const { entries } = JSON.parse(stdout || `{"entries":[{"version":${JSON.stringify(stderr)}}]}`);
    return entries.map(({ version }: { version: number }) => version);
  };
  t.same(await versions(), [7, 6, 5, 4, 3, 2, 1]);
  t.same(await versions('--device', 'bob', '--field', 'garden', '--limit', '2'), [6, 5]);
  t.same(await versions('--user', 'anna'), [1]);
  t.same(await versions('--kind', 'particle.remove'), [7]);
  t.same(await versions('--outcome', 'conflict', '--device', 'bob'), [5, 2]);
  t.same(await versions('--field', 'meadow'), []);
  await backing.db('field_updates').where('version', '<=', 3).decrement('logged_at', 7_200_000);
  t.same(await versions('--since', '1h'), [7, 6, 5, 4]);
  t.same(await versions('--until', '1h'), [3, 2, 1]);
  const { stdout } = await field(['search', '--user', 'anna']);
  t.match(stdout, /^time .*\n20\S+ +garden +1 +alice 1 +anna +applied +\{.*"star".*\n1 update\n$/);
  t.match(await field(['search', '--user', 'nobody']), { code: 0, stdout: 'No update matches\n' });
  t.match(await field(['search', '--kind', 'nonsense']), { code: 2 });
});

t.test('replay prints an earlier state byte for byte, and --check compares the whole log', async (t) => {
  const { field, backing } = await withHistory(t);
  for (const to of [0, 4]) {
    const replayed = await field(['replay', 'garden', '--to', String(to), '--json']);
    const state = await backing.reader.loadStateAt(garden, to);
    t.equal(replayed.stdout, `${serializeState(toFragments(state))}\n`, replayed.stderr);
  }
  t.match(await field(['replay', 'garden', '--check']), {
    code: 0,
    stdout: /^ok {2}garden {2}7 updates replayed up to version 7, \d+ snapshots? compared\n$/,
  });
  t.match(await field(['replay', 'garden', '--to', '99']), { code: 1, stderr: /garden has not reached version 99/ });
  t.match(await field(['replay', 'desert']), { code: 1, stderr: /no field desert/ });

  await backing.db('field_updates').where({ version: 6 }).update({ outcome: 'superseded' });
  t.match(await field(['replay', 'garden', '--to', '5', '--check']), { code: 0 });
  const { code, stdout } = await field(['replay', 'garden', '--check', '--json']);
  t.equal(code, 1);
  t.match(JSON.parse(stdout), { differences: ['version 6 was logged as superseded and replays as applied'] });
});

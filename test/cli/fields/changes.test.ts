import t from 'tap';
import { sequenceChanges } from '../../../db/changes/sequence-changes.ts';
import { openCommitter } from '../../support/committer.ts';
import { withBacking } from '../../support/processes/with-worker.ts';
import { asDevice, asField, jobOf, putParticle, setCell } from '../../support/updates.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { settingsOf, withField } from '../run-field.ts';

const toLines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

t.test('changes are written, resumed, filtered and followed', async (t) => {
  const backing = await withBacking(t);
  const field = await withField(t, settingsOf(backing));
  const { commit } = openCommitter(backing.db);
  const write = async (id: string, updates: Parameters<typeof jobOf>[2]) => {
    const of = asField(id);
    await commit(new Map([[of, [jobOf(of, asDevice('ada'), updates)]]]));
    await sequenceChanges(backing.db);
  };
  await write('garden', [setCell(1, 1, 0.5), putParticle(2, 'star')]);
  await write('pond', [setCell(1, 1, 0.5)]);
  const read = async (...args: string[]) => {
    const { code, stdout, stderr } = await field(['changes', ...args]);
    t.equal(code, 0, stderr);
    return toLines(stdout);
  };
  const [header, first, ...rest] = await read();
  t.match(header, { format: 'field-changes-1' });
  t.match(first, { field: 'garden', entry: { version: 1, device: 'ada' } });
  t.match(rest, [{ entry: { version: 2 } }, { field: 'pond', entry: { version: 1 } }, { entries: 3 }]);
  t.same((await read('--after', first.next)).slice(1, -1), rest.slice(0, -1));
  t.match(await read('--fields', 'gard*', '--kind', 'particle.put'), [
    {},
    { entry: { version: 2 } },
    {},
    { entries: 1 },
  ]);

  const running = field.start(['changes', '--follow', '--after', rest.at(-1).end]);
  await waitUntil(
    'it reads',
    async () => (await backing.db('operator_actions').where({ action: 'changes.read' })).length === 4,
  );
  await write('pond', [setCell(2, 1, 0.25)]);
  await waitUntil('the change is written', () => running.stdout().includes('"version":2'));
  running.interrupt();
  t.match(await running.ended, { code: 130 });

  t.match(await field(['changes', '--after', 'c1-9-0123456789ab-1']), { code: 1, stderr: /does not have this cursor/ });
  t.match(await field(['changes', '--after', '7']), { code: 2 });
});

import t from 'tap';
import { encodeSnapshot } from '../../shared/field/snapshot.ts';
import { asField, putParticle, setCell } from '../support/updates.ts';
import { garden, jobBy, marker, openWriter, traces, withErasureTools, yan, zoe } from './support.ts';

t.test('what was erased stays erased in an export, and does not come back by an import', async (t) => {
  const { backing, run } = await withErasureTools(t);
  const write = openWriter(backing);
  await write(jobBy(yan, garden, yan.phone, [putParticle(1, 'tree', { content: 'tall' }), setCell(2, 1, 0.1)]));
  await write(jobBy(zoe, garden, zoe.phone, [putParticle(1, marker, { content: marker }), setCell(2, 1, 0.9)]));
  await write(jobBy(yan, garden, yan.phone, [setCell(3, 2, 0.3), putParticle(4, 'tree', { resonance: 0.9 })]));
  const before = await run(['export', 'garden']);
  t.match(before.stdout, marker);
  t.match(await run(['erase', '--user', zoe.user, '--yes']), { code: 0 });
  await openWriter(backing)(jobBy(yan, garden, yan.phone, [setCell(5, 3, 0.4)]));

  const after = await run(['export', 'garden']);
  t.equal(after.code, 0, after.stderr);
  for (const trace of traces) t.notMatch(after.stdout, trace);
  const imported = await run(['import', '-', 'copy'], { input: after.stdout });
  t.equal(imported.code, 0, imported.stderr);
  const [from, to] = [await backing.reader.loadState(garden), await backing.reader.loadState(asField('copy'))];
  t.same(to && encodeSnapshot(to), from && encodeSnapshot(from));
  t.match(await run(['verify']), { code: 0, stdout: /2 fields verified, 0 differ/ });
  const tombstones = await backing.db('field_updates').where({ field_id: 'copy' }).whereNull('update');
  t.same(
    tombstones.map(({ version }) => version),
    [3, 4],
    'erased entries are copied as what is left of them',
  );

  t.match(await run(['import', '-', 'old'], { input: before.stdout }), {
    code: 1,
    stderr: /was erased in this installation after the export.*\nNothing was imported/,
  });
  t.same(await backing.db('field_updates').where({ field_id: 'old' }), []);
});

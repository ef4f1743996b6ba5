import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { lockFields } from '../../../db/write/lock-fields.ts';
import { encodeSnapshot } from '../../../shared/field/snapshot.ts';
import type { Update } from '../../../shared/field/update.ts';
import { pruneThrough } from '../../../workers/maintenance/prune-logs.ts';
import { openCommitter } from '../../support/committer.ts';
import { type Backing, withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { readCursorAt, waitForVersion } from '../../support/read-back.ts';
import { asDevice, asField, jobOf, putParticle, removeParticle, setCell } from '../../support/updates.ts';
import { withFolder } from '../../support/with-folder.ts';
import { settingsOf, withField } from '../run-field.ts';

const garden = asField('garden');
const [ada, bob] = [asDevice('ada'), asDevice('bob')];

/** Conflicts, a removal, a write that has seen another one, and an event. */
const history: readonly (readonly [typeof ada, Update])[] = [
  [ada, setCell(1, 4, 0.25)],
  [bob, setCell(1, 4, 0.75)],
  [ada, putParticle(2, 'star', { content: 'first', resonance: 0.9 })],
  // Its timestamp is lower: it only wins because it has seen version 3.
  [bob, putParticle(2, 'star', { content: 'second' }, { seen: 3, timestamp: 5 })],
  [bob, { ...setCell(3, 5, 0.5), clock: { ada: 1 } }],
  [ada, putParticle(3, 'moon')],
  [ada, removeParticle(4, 'moon')],
  [ada, { counter: 5, timestamp: 1_700_000_000_005, seen: 0, kind: 'event', type: 'harmony' }],
];

async function withGarden(t: Test) {
  const backing = await withBacking(t);
  const { commit } = openCommitter(backing.db);
  for (const [device, update] of history) await commit(new Map([[garden, [jobOf(garden, device, [update])]]]));
  const folder = await withFolder(t);
  const field = await withField(t, settingsOf(backing));
  return { backing, commit, field, folder, path: (name: string) => join(folder, name) };
}

/** The state without its field, byte for byte as it is stored. */
async function readSnapshot({ reader }: Backing, name: string): Promise<string> {
  const state = await reader.loadState(asField(name));
  return JSON.stringify(state && encodeSnapshot(state));
}

async function readLog({ db }: Backing, name: string) {
  const rows = await db('field_updates').where({ field_id: name }).orderBy('version');
  return rows.map(({ field_id: _, ...row }) => row);
}

async function readClocks({ db }: Backing, name: string) {
  return db('vector_clocks').where({ field_id: name }).orderBy('device_id').select('device_id', 'counter', 'heard_at');
}

t.test('an exported log, imported into an empty field, has the same entries, hashes and state', async (t) => {
  const { backing, commit, field, path } = await withGarden(t);
  const file = path('garden.ndjson.gz');
  const exported = await field(['export', 'garden', '--out', file, '--json']);
  t.equal(exported.code, 0, exported.stderr);
  t.match(JSON.parse(exported.stdout), { field: 'garden', what: 'log', version: 8, lines: 8, file });
  t.equal((await stat(file)).mode & 0o777, 0o600, 'only its owner can read it');
  const lines = gunzipSync(await readFile(file))
    .toString()
    .trimEnd()
    .split('\n');
  t.equal(lines.length, 10, 'a header, eight entries and an end');

  const imported = await field(['import', file, 'copy', '--json']);
  t.equal(imported.code, 0, imported.stderr);
  const cursor = await readCursorAt(backing, garden, 8);
  t.match(JSON.parse(imported.stdout), { field: 'copy', version: 8, cursor, entries: 8 });
  t.same(await readLog(backing, 'copy'), await readLog(backing, 'garden'));
  t.same(await readClocks(backing, 'copy'), await readClocks(backing, 'garden'));
  t.equal(await readSnapshot(backing, 'copy'), await readSnapshot(backing, 'garden'));
  const conflicts = await backing.reader.readConflicts(asField('copy'));
  t.same(conflicts, await backing.reader.readConflicts(garden));
  t.match(await field(['verify']), { code: 0, stdout: /2 fields verified, 0 differ/ });
  t.equal((await backing.reader.loadStateAt(asField('copy'), 5)).version, 5);

  await t.test('the copy goes on, and can be exported and imported in its turn', async (t) => {
    const copy = asField('copy');
    await commit(new Map([[copy, [jobOf(copy, ada, [setCell(6, 1, 0.5)])]]]));
    const { code, stdout, stderr } = await field(['export', 'copy']);
    t.equal(code, 0, stderr);
    t.match(await field(['import', '-', 'copy-of-copy'], { input: stdout }), { code: 0, stdout: /9 log entries/ });
    t.match(await field(['verify', 'copy-of-copy']), { code: 0, stdout: /version 9 .*\n1 field verified, 0 differ/ });
  });

  await t.test('both commands are recorded', async (t) => {
    const actions = await backing.db('operator_actions').where({ target: 'copy' }).orderBy('at');
    t.match(actions, [
      { action: 'import', details: { from: 'garden' } },
      { action: 'export', details: { what: 'log' } },
    ]);
  });

  await t.test('a file is not replaced without --force', async (t) => {
    t.match(await field(['export', 'garden', '--out', file]), { code: 2, stderr: /exists already/ });
    t.match(await field(['export', 'garden', '--out', file, '--force']), { code: 0 });
    t.match(await field(['export', 'nowhere']), { code: 1, stdout: '', stderr: /There is no field nowhere/ });
  });
});

t.test('a log whose beginning was deleted is copied from its first snapshot on', async (t) => {
  const { backing, field } = await withGarden(t);
  await backing.db.transaction(async (trx) => {
    const [locked] = await lockFields(trx, [garden]);
    if (locked) await pruneThrough(trx, locked, 5);
  });
  const { code, stdout, stderr } = await field(['export', 'garden']);
  t.equal(code, 0, stderr);
  const imported = await field(['import', '-', 'copy', '--json'], { input: stdout });
  t.equal(imported.code, 0, imported.stderr);
  t.match(JSON.parse(imported.stdout), { version: 8, cursor: await readCursorAt(backing, garden, 8), entries: 3 });
  t.same(await readLog(backing, 'copy'), await readLog(backing, 'garden'));
  t.equal(await readSnapshot(backing, 'copy'), await readSnapshot(backing, 'garden'));
  t.match(await field(['verify']), { code: 0, stdout: /2 fields verified, 0 differ/ });
  // What was deleted can be neither read nor applied again in the copy either.
  await t.rejects(backing.reader.loadStateAt(asField('copy'), 4));
  const copy = asField('copy');
  await openCommitter(backing.db).commit(new Map([[copy, [jobOf(copy, ada, [setCell(1, 4, 0.25)])]]]));
  t.equal((await backing.reader.loadState(copy))?.version, 8);
});

t.test('what cannot be imported exactly is refused with its line, and nothing is changed', async (t) => {
  const { backing, field, path } = await withGarden(t);
  const { stdout } = await field(['export', 'garden']);
  const lines = stdout.trimEnd().split('\n');
  const change = (line: number, from: string | RegExp, to: string) =>
    lines.map((text, index) => (index === line - 1 ? text.replace(from, to) : text));
  const wrong: [readonly string[], RegExp][] = [
    [change(3, '0.75', '0.76'), /:3: does not match its hash/],
    [
      change(4, /"rules":\d+/, '"rules":99'),
      /:4: \/rules: is a version of the rules that this version .* does not know/,
    ],
    [change(5, '{', '{"colour":"red",'), /:5: .*colour/],
    [change(6, /.*/, 'not JSON'), /:6: is not JSON/],
    [change(2, '"x":4', '"x":40'), /:2: \/update\/cells\/0\/x/],
    [change(2, '"device":"ada"', '"device":"a b"'), /:2: \/device/],
    [change(1, 'field-log-1', 'field-log-9'), /:1: has the format field-log-9/],
    [lines.slice(1), /:1: is not the header of an exported log/],
    [lines.filter((_, index) => index !== 3), /:4: has version 4, after 2/],
    [lines.slice(0, -1), /:9: .*not the end: the file was cut/],
    [[...lines.slice(0, 6), ...lines.slice(-1)], /:7: does not match the last entry/],
    [[...lines, ...lines.slice(-1)], /:11: follows the end/],
    [[], /is missing: the file has no lines/],
  ];
  const file = path('wrong.ndjson');
  for (const [content, said] of wrong) {
    await writeFile(file, content.map((line) => `${line}\n`).join(''));
    const { code, stdout: printed, stderr } = await field(['import', file, 'copy']);
    t.equal(code, 1, `${said}`);
    t.equal(printed, '');
    t.match(stderr, said);
    t.match(stderr, /Nothing was imported/);
  }
  t.match(await field(['import', '-', 'garden'], { input: stdout }), {
    code: 1,
    stderr: /garden already has 8 versions/,
  });
  for (const table of ['field_updates', 'vector_clocks', 'field_snapshots', 'consciousness_states']) {
    t.same(await backing.db(table).where({ field_id: 'copy' }), [], table);
  }
  t.match(await field(['verify']), { code: 0, stdout: /1 field verified, 0 differ/ });
});

t.test('an exported log that is sent as updates to another field gives the same registers', async (t) => {
  const { backing, field } = await withGarden(t);
  await withWorker(t, backing);
  const { stdout } = await field(['export', 'garden']);
  const sent = await field(['enqueue', '-', '--field', 'resent', '--json'], { input: stdout });
  t.equal(sent.code, 0, sent.stderr);
  t.match(JSON.parse(sent.stdout), { accepted: 8, applied: 8, refused: 0 });
  const resent = asField('resent');
  await waitForVersion(backing, resent, 8);
  const [from, to] = [await backing.reader.loadState(garden), await backing.reader.loadState(resent)];
  if (!from || !to) throw new Error('a field is missing');
  t.same([...to.cells], [...from.cells]);
  const registersOf = ({ particles, tombstones }: typeof from) =>
    [...particles.values(), ...tombstones.values()].map(({ id, exists, attributes }) => ({ id, exists, attributes }));
  t.same(registersOf(to), registersOf(from));
  t.match(await field(['verify', 'resent']), { code: 0 });
});

t.test('the state is exported with a line for each particle and cell', async (t) => {
  const { field } = await withGarden(t);
  const { code, stdout } = await field(['export', 'garden', '--state']);
  t.equal(code, 0);
  const [head, ...lines] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.match(head, { format: 'field-state-1', field: 'garden', version: 8, quantumFields: [{ id: 'primary-field' }] });
  t.match(lines, [
    { particle: { id: 'star', content: 'second', resonance: 0.9 } },
    { cell: { x: 4, y: 0, value: 0.75 } },
    { cell: { x: 5, y: 0, value: 0.5 } },
    { end: 8, particles: 1, cells: 2 },
  ]);
});

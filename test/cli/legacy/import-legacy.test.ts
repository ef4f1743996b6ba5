import t, { type Test } from 'tap';
import { encodeSnapshot } from '../../../shared/field/snapshot.ts';
import { viewParticle } from '../../../shared/field/view.ts';
import { openCommitter } from '../../support/committer.ts';
import { type Backing, withBacking } from '../../support/processes/with-worker.ts';
import { asDevice, asField, jobOf, putParticle } from '../../support/updates.ts';
import { settingsOf, withField } from '../run-field.ts';
import { type OriginalDatabase, originalField, originalParticle, withOriginalDatabase } from './original-database.ts';

const world = asField('global');

async function withBoth(t: Test, options: { hasClockIndex?: boolean } = {}) {
  const [backing, original] = [await withBacking(t), await withOriginalDatabase(t, options)];
  const settings = { ...settingsOf(backing), ERASURE_KEY: 'a key for tests alone, of more than 32 bytes' };
  return { backing, original, field: await withField(t, settings) };
}

async function storeState({ query }: OriginalDatabase, particles: unknown, fields: unknown = [originalField]) {
  await query(
    `INSERT INTO consciousness_states (global_resonance, active_nodes, memory_particles, quantum_fields, room64_active, last_update)
     VALUES (0.61, 9, $1, $2, true, '2026-01-02 03:04:05.678')`,
    [JSON.stringify(particles), JSON.stringify(fields)],
  );
}

async function storeRealistic(original: OriginalDatabase) {
  const particles = [
    originalParticle('particle-mobile-ios-1-abc-1', {
      connections: ['a', 'b', 'c'],
      resonance: 0.9,
      crystallized: true,
    }),
    originalParticle('particle-mobile-ios-1-abc-2', { timestamp: 1_700_000_000_500.75, content: undefined }),
    originalParticle('particle-mobile-web-2-xyz-3', { content: 'über 東京' }),
  ];
  await storeState(original, particles);
  await original.query(
    `INSERT INTO vector_clocks (device_id, version, last_update) VALUES
     ('mobile-ios-1-abc', 41, '2026-01-02 03:00:00'), ('mobile-web-2-xyz', 3, '2026-01-02 03:00:01')`,
  );
  await original.query(
    `INSERT INTO field_conflicts (cell, local_version, remote_version, resolution, created_at) VALUES
     ('3,4', 0, 1, 'used_remote', '2026-01-01 00:00:01'), ('3,4', 1, 0, 'kept_local', '2026-01-01 00:00:02')`,
  );
}

async function readEverything({ query }: OriginalDatabase) {
  const tables = ['consciousness_states', 'vector_clocks', 'field_conflicts'];
  return Promise.all(tables.map((table) => query(`SELECT * FROM ${table} ORDER BY id`)));
}

async function readRows({ db }: Backing) {
  const tables = ['consciousness_states', 'field_snapshots', 'vector_clocks', 'field_conflicts', 'field_updates'];
  return Promise.all(tables.map((table) => db(table).where({ field_id: 'global' })));
}

async function readState({ reader }: Backing) {
  const state = await reader.loadState(world);
  return state && encodeSnapshot(state);
}

t.test(
  'particles, quantum fields, clocks and conflicts become the base of a field, and updates continue it',
  async (t) => {
    const { backing, original, field } = await withBoth(t);
    await storeRealistic(original);
    const before = await readEverything(original);

    const dry = await field(['import-legacy', original.url, '--dry-run']);
    t.match(dry, { code: 0, stdout: /taken +3 +particles[\s\S]*nothing was written to global/ });
    t.same(await backing.db('consciousness_states').where({ field_id: 'global' }).andWhere('version', '>', 0), []);

    const imported = await field(['import-legacy', original.url, '--json']);
    t.equal(imported.code, 0, imported.stderr);
    t.match(JSON.parse(imported.stdout), {
      ...{ field: 'global', status: 'imported', version: 3, findings: [] },
      taken: { particles: 3, 'quantum fields': 1, clocks: 2, conflicts: 2 },
    });
    const state = await backing.reader.loadState(world);
    const [crystal, second, third] = [...(state?.particles.values() ?? [])];
    t.match(crystal?.attributes.resonance, { stamp: { timestamp: 1_700_000_000_000, counter: 1 } });
    t.equal(second?.exists?.stamp.timestamp, 1_700_000_000_500, 'whole milliseconds');
    t.equal(second?.attributes.content, undefined);
    t.equal(third?.attributes.content?.value, 'über 東京');
    t.same(
      [crystal, second, third].map((particle) => particle?.created),
      [1, 2, 3],
      'cached copies list particles in the order of their creation',
    );
    t.same(state?.quantumFields, [originalField]);
    t.match(state?.dynamics, { room64Active: true, maxTimestamp: 1_700_000_000_500 });
    t.equal(state?.time, Date.UTC(2026, 0, 2, 3, 4, 5, 678), 'the time of the last update, as UTC');

    const clocks = await backing.db('vector_clocks').where({ field_id: 'global' }).orderBy('device_id');
    t.match(clocks, [
      { device_id: 'legacy-import', counter: 3 },
      { device_id: 'mobile-ios-1-abc', counter: 41, heard_at: Date.UTC(2026, 0, 2, 3, 0, 0) },
      { device_id: 'mobile-web-2-xyz', counter: 3 },
    ]);
    const conflicts = await backing.reader.readConflicts(world);
    t.match(conflicts, {
      total: 2,
      conflicts: [
        { cell: '3,4', local: { value: 1 }, remote: { value: 0 }, resolution: 'kept_local', version: 2 },
        { cell: '3,4', local: { value: 0 }, remote: { value: 1 }, resolution: 'used_remote', version: 1 },
      ],
    });
    t.match(await field(['verify', 'global']), { code: 0, stdout: /1 field verified, 0 differ/ });
    t.same(await readEverything(original), before, 'nothing was changed in the original');
    t.match(await backing.db('operator_actions').where({ action: 'import-legacy' }), [{ target: 'global' }]);

    await t.test('the same is recognised when it is imported again, also after further updates', async (t) => {
      const rows = await readRows(backing);
      t.match(await field(['import-legacy', original.url]), { code: 0, stdout: /began with the same already/ });
      t.same(await readRows(backing), rows);
      const { commit } = openCommitter(backing.db);
      await commit(new Map([[world, [jobOf(world, asDevice('mobile-ios-1-abc'), [putParticle(42, 'new')])]]]));
      t.match(await field(['import-legacy', original.url, '--json']), { code: 0, stdout: /"imported before"/ });
      t.equal((await readState(backing))?.particles.length, 4);
      t.equal((await readState(backing))?.version, 4);
      t.match(await field(['verify', 'global']), { code: 0, stdout: /0 differ/ });
    });

    await t.test('another content is not imported over it, and may become another field', async (t) => {
      await original.query("UPDATE consciousness_states SET memory_particles = '[]'");
      const rows = await readRows(backing);
      const refused = await field(['import-legacy', original.url]);
      t.match(refused, { code: 1, stderr: /global already has 4 versions/ });
      t.notMatch(refused.stderr, /erase/, 'no hint suggests erasing what was written since the import');
      t.same(await readRows(backing), rows);
      t.match(await field(['import-legacy', original.url, '--field', 'rehearsal']), {
        code: 0,
        stdout: /into rehearsal/,
      });
    });

    await t.test('what was erased does not come back', async (t) => {
      const erased = await field(['erase', '--field', 'global', '--yes']);
      t.equal(erased.code, 0, erased.stderr + erased.stdout);
      t.match(await field(['import-legacy', original.url]), { code: 1, stderr: /has been erased/ });
    });
  },
);

t.test('rows that are broken or hostile are left out, each with a reason, and the rest is taken', async (t) => {
  const { backing, original, field } = await withBoth(t, { hasClockIndex: false });
  const future = Date.UTC(2999, 0, 1);
  const particles = [
    originalParticle('good'),
    originalParticle('good', { content: 'made in the same millisecond' }),
    originalParticle('null resonance', { resonance: null }),
    originalParticle('far', { position: { x: 1e308, y: 'NaN', z: 0 } }),
    originalParticle('flat', { position: { x: 1, y: 2 } }),
    originalParticle('x'.repeat(200)),
    originalParticle('long', { content: 'x'.repeat(3000), velocity: { x: null }, connections: 'all' }),
    originalParticle('future', { timestamp: future }),
    originalParticle('undated', { timestamp: 'yesterday' }),
    'not a particle',
    null,
    { __proto__: null, id: '__proto__', position: { x: 0, y: 0, z: 0 }, resonance: 0, constructor: { prototype: 1 } },
  ];
  await storeState(original, particles, [
    originalField,
    { ...originalField, strength: 7 },
    originalField,
    { ...originalField, id: 'other', extra: true, harmonics: [] },
  ]);
  await storeState(original, [originalParticle('of another row')]);
  await original.query(
    `INSERT INTO vector_clocks (device_id, version, last_update) VALUES
     ('twice', 5, now()), ('twice', 9, now()), ('twice', 7, 'infinity'), ('null', NULL, now()), ('negative', -1, now()),
     ('zero', 0, now()), ('no id; DROP TABLE', 1, now()), ('legacy-import', 2147483647, now()), ('__proto__', 1, now())`,
  );
  await original.query(
    `INSERT INTO field_conflicts (cell, local_version, remote_version, resolution, created_at) VALUES
     ('99,99', 0, 1, 'merged', now()), ('1;2', 0, 1, 'merged', now()), ('1,2', 4711, 1, 'merged', now()),
     ('1,2', 0, 1, 'Math.random', now()), ('1,2', 0, 1, 'merged', NULL), ('1,2', 0, 1, 'merged', now() + interval '900 years')`,
  );
  const imported = await field(['import-legacy', original.url, '--json']);
  t.equal(imported.code, 0, imported.stderr);
  const { taken, findings } = JSON.parse(imported.stdout);
  t.same(taken, { particles: 7, 'quantum fields': 2, clocks: 1, conflicts: 1 });
  const count = (kind: string, result: string) =>
    findings
      .filter((finding: { kind: string; result: string }) => finding.kind === kind && finding.result === result)
      .reduce((sum: number, finding: { count: number }) => sum + finding.count, 0);
  t.equal(count('particles', 'dropped'), particles.length - 7);
  t.equal(count('quantum fields', 'dropped'), 2);
  t.equal(count('clocks', 'dropped'), 6);
  t.equal(count('conflicts', 'dropped'), 5);
  t.equal(count('states', 'dropped'), 1);
  t.match(
    findings
      .filter(({ result }: { result: string }) => result === 'changed')
      .map(({ reason }: { reason: string }) => reason),
    [/one of its own/, /velocity/, /content/, /connections/, /last update/, /without its time/, /highest counts/],
  );
  const state = await backing.reader.loadState(world);
  t.same([...(state?.particles.keys() ?? [])], ['good', 'good~2', 'flat', 'long', 'future', 'undated', '__proto__']);
  t.ok((state?.dynamics.maxTimestamp ?? 0) <= Date.now() + 5000, 'nothing lies in the future');
  const repeated = await field(['import-legacy', original.url]);
  t.match(repeated, { code: 0, stdout: /began with the same already/ }, 'also with times that lay in the future');
  t.match(await backing.db('vector_clocks').where({ device_id: 'twice' }), [{ counter: 9 }]);
  t.match(await field(['verify', 'global']), { code: 0, stdout: /0 differ/ });
  const text = await field(['import-legacy', original.url, '--field', 'again', '--dry-run']);
  t.match(text, { code: 0, stdout: /dropped +1 +particles +resonance: .*\(null resonance\)/ });
});

t.test('particles are shown as the original showed them, also those that had crystallized', async (t) => {
  const { backing, original, field } = await withBoth(t);
  const connections = ['a', 'b', 'c'];
  const crystals = [0.8000000000000002, 0.8123456789, 0.95, 1].map((resonance) =>
    originalParticle(`crystal of ${resonance}`, { crystallized: true, connections, resonance }),
  );
  const stored = [
    ...crystals,
    originalParticle('plain', { connections, resonance: 0.7 }),
    // It crystallizes with the original's next update.
    originalParticle('not yet', { connections, resonance: 0.75 }),
    // No code of the original makes these.
    originalParticle('weak crystal', { crystallized: true, connections, resonance: 0.2 }),
    originalParticle('fast crystal', {
      ...{ crystallized: true, connections, resonance: 0.9 },
      velocity: { x: 1e308, y: 0, z: 0 },
    }),
  ];
  await storeState(original, stored);
  t.match(await field(['import-legacy', original.url, '--json']), { code: 0, stdout: /"findings":\[\]/ });
  const state = await backing.reader.loadState(world);
  const shown = [...(state?.particles.values() ?? [])].map((particle) => {
    const { device: _, ...view } = viewParticle(particle);
    return view;
  });
  t.same(shown.slice(0, crystals.length + 1), stored.slice(0, crystals.length + 1));
  t.match(shown.slice(crystals.length + 1), [
    { id: 'not yet', crystallized: true, resonance: 0.85 },
    { id: 'weak crystal', crystallized: false, resonance: 0.2, velocity: { x: 0.01, y: -0.02, z: 0.03 } },
    { id: 'fast crystal', crystallized: true, resonance: 0.9, velocity: { x: 5e307 } },
  ]);
  t.match(await field(['verify', 'global']), { code: 0, stdout: /0 differ/ });
});

t.test('a field keeps a thousand particles: the newest', async (t) => {
  const { backing, original, field } = await withBoth(t);
  await storeState(
    original,
    Array.from({ length: 1200 }, (_, index) => originalParticle(`p${index}`, { timestamp: index })),
  );
  t.match(await field(['import-legacy', original.url]), {
    code: 0,
    stdout: /dropped +200 +particles +one of the oldest/,
  });
  const state = await backing.reader.loadState(world);
  t.equal(state?.particles.size, 1000);
  t.notOk(state?.particles.has('p199'));
});

t.test('a database that is empty, broken or not of the original is explained', async (t) => {
  const { backing, original, field } = await withBoth(t);
  const url = new URL(original.url);
  t.match(await field(['import-legacy', backing.config.DATABASE_URL]), {
    code: 1,
    stderr: /does not have the tables of the original system/,
  });
  await original.query("INSERT INTO consciousness_states (memory_particles, quantum_fields) VALUES ('{}', '7')");
  t.match(await field(['import-legacy', original.url]), { code: 0, stdout: /memory_particles is no list/ });
  t.equal((await backing.reader.loadState(world))?.quantumFields.length, 1, 'the primary field is always there');
  url.pathname = '/nowhere';
  const unreachable = await field(['import-legacy', url.href]);
  t.match(unreachable, { code: 3, stderr: /nowhere cannot be reached.*\n.*the original's database/ });
  t.notMatch(unreachable.stderr, decodeURIComponent(url.password));
  t.match(await field(['import-legacy', 'not a url', '--field', 'Nope!']), { code: 2 });
});

/** Phones with the original's hook fill a database through the original's own server. `import-legacy` takes all of it over. */
import t from 'tap';
import { encodeSnapshot } from '../../shared/field/snapshot.ts';
import { settingsOf, withField } from '../cli/run-field.ts';
import { openCommitter } from '../support/committer.ts';
import { type Backing, withBacking } from '../support/processes/with-worker.ts';
import { asDevice, asField, jobOf, putParticle } from '../support/updates.ts';
import { bundleApp } from './original/bundle.ts';
import { checkOutOriginal } from './original/checkout.ts';
import { type OriginalServer, withOriginalServer } from './original/with-original-server.ts';
import { runPhones } from './phones/run-phones.ts';
import { count, countAnswers, countSent, particleKey, particlesOf, tally } from './phones/tally.ts';

const world = asField('global');
const phones = 16;
const updatesEach = 10;
/** Its code keeps the newest 50. */
const conflicts = Array.from({ length: 60 }, (_, index) => ({
  cell: `${index % 30},${index % 7}`,
  local: index % 2,
  remote: (index + 1) % 2,
  resolution: (['kept_local', 'used_remote', 'merged'] as const)[index % 3] ?? 'merged',
}));

interface StateRow {
  readonly memory_particles: readonly OriginalParticle[];
  readonly quantum_fields: readonly object[];
  readonly room64_active: boolean;
}

interface OriginalParticle {
  readonly id: string;
  readonly position: object;
  readonly velocity: object;
  readonly resonance: number;
  readonly timestamp: number;
  readonly content?: string;
  readonly connections: readonly string[];
}

t.test('a database that the original has made is taken over, row by row', async (t) => {
  const checkout = await checkOutOriginal(t);
  const original = await withOriginalServer(t, checkout);
  t.match(
    original.migration,
    /_journal\.json/,
    'its function for migrations lacks a file that its repository does not have',
  );
  const app = await bundleApp(checkout);
  const reports = await runPhones(t, { app, address: original.address, phones, updatesEach });
  await original.addConflicts(conflicts);

  const before = await readTables(original);
  const [row] = before.states;
  const { all, acknowledged } = countSent(reports);
  const kept = count((row?.memory_particles ?? []).map(({ content }) => particleKey(content)));
  const figures = tally({ all: particlesOf(all), acknowledged: particlesOf(acknowledged) }, kept);
  const seconds = Math.max(...reports.map((report) => report.seconds)).toFixed(1);
  t.comment(`the original's own server, particles: ${JSON.stringify(figures)} in ${seconds} s`);
  t.comment(`answers: ${JSON.stringify(Object.fromEntries([...countAnswers(reports)].sort()))}`);
  t.ok(figures.lost > 0, 'the load is one under which a server can lose something');
  t.ok(figures.stored > 0);

  const backing = await withBacking(t);
  const run = await withField(t, {
    ...settingsOf(backing),
    ERASURE_KEY: 'a key for tests alone, of more than 32 bytes',
  });
  const importIt = (...options: string[]) => run(['import-legacy', original.databaseUrl, ...options]);
  const untouched = await readField(backing);
  const dry = await importIt('--dry-run');
  t.match(dry, { code: 0, stdout: /This was a dry run: nothing was written to global/ }, dry.stderr);
  t.same(await readField(backing), untouched, 'a dry run writes nothing');

  const imported = await importIt('--json');
  t.equal(imported.code, 0, imported.stderr);
  t.match(JSON.parse(imported.stdout), {
    status: 'imported',
    findings: [],
    taken: {
      particles: row?.memory_particles.length,
      'quantum fields': row?.quantum_fields.length,
      clocks: before.clocks.length,
      conflicts: before.conflicts.length,
    },
  });
  t.ok(before.clocks.length >= phones);
  t.equal(before.conflicts.length, 50);
  const field = await readField(backing);
  t.same(field.state?.particles, row?.memory_particles.map(withoutDerived), 'each particle, in the same order');
  t.same(field.state?.quantumFields, row?.quantum_fields);
  t.equal(field.state?.room64Active, row?.room64_active);
  t.same(
    field.clocks.filter(({ device }) => device !== 'legacy-import'),
    before.clocks,
  );
  t.same(field.conflicts, before.conflicts);
  t.match(await run(['verify', 'global']), { code: 0, stdout: /1 field verified, 0 differ/ });

  const repeated = await importIt();
  t.match(repeated, { code: 0, stdout: /global began with the same already: nothing was changed/ }, repeated.stderr);
  t.same(await readField(backing), field, 'a repetition changes nothing');
  t.same(await readTables(original), before, 'nothing was changed in the original');

  await t.test('what was written here can be copied back, and imported again into another field', async (t) => {
    const { commit } = openCommitter(backing.db);
    await commit(new Map([[world, [jobOf(world, asDevice('phone'), [putParticle(1, 'written here')])]]]));
    const { memoryParticles } = JSON.parse((await run(['state', 'global', '--json'])).stdout);
    t.equal(memoryParticles.length, (row?.memory_particles.length ?? 0) + 1);
    await original.copyBack(memoryParticles);
    const response = await fetch(`${original.address}/api/trpc/consciousness.field.getState`);
    t.match(await response.json(), { result: { data: { json: { totalParticles: memoryParticles.length } } } });

    t.match(await importIt(), { code: 1, stderr: /global already has/ });
    t.match(await importIt('--field', 'again', '--json'), { code: 0, stdout: /"findings":\[\]/ });
    const again = JSON.parse((await run(['state', 'again', '--json'])).stdout);
    const withoutDevice = ({ device: _, ...particle }: { device: string }) => particle;
    t.same(again.memoryParticles.map(withoutDevice), memoryParticles.map(withoutDevice));
  });
});

/** What is computed here, and what the original stores in addition. */
function withoutDerived({ id, position, velocity, resonance, timestamp, content, connections }: OriginalParticle) {
  return { id, position, velocity, resonance, timestamp, ...(content === undefined ? {} : { content }), connections };
}

async function readTables({ query }: OriginalServer) {
  return {
    states: await query<StateRow>('SELECT * FROM consciousness_states ORDER BY id'),
    clocks: await query(
      'SELECT device_id AS device, version AS counter FROM vector_clocks ORDER BY device_id COLLATE "C"',
    ),
    conflicts: await query(
      'SELECT cell, local_version AS local, remote_version AS remote, resolution FROM field_conflicts ORDER BY id DESC',
    ),
  };
}

async function readField({ db, reader }: Backing) {
  const state = await reader.loadState(world);
  const snapshot = state && encodeSnapshot(state);
  const rows = await db('vector_clocks').where({ field_id: world }).orderBy('device_id');
  const page = await reader.readConflicts(world);
  return {
    state: snapshot && {
      particles: [...state.particles].map(([id, { attributes, exists }]) => ({
        id,
        ...Object.fromEntries(Object.entries(attributes).map(([name, register]) => [name, register?.value])),
        timestamp: exists?.stamp.timestamp,
      })),
      quantumFields: snapshot.quantumFields,
      room64Active: snapshot.dynamics.room64Active,
    },
    clocks: rows.map(({ device_id: device, counter }) => ({ device, counter: Number(counter) })),
    conflicts: (page?.conflicts ?? []).map(({ cell, local, remote, resolution }) => ({
      ...{ cell, local: local.value, remote: remote.value, resolution },
    })),
  };
}

/**
 * Benchmarks backups of large fields: `npm run bench:backup -- --updates 1000000`. Writes long logs to its own PostgreSQL,
 * backs them up, checks that a damaged backup is rejected, restores the backup, and compares all rows and states. Each
 * step runs in a process of its own, so that its peak memory can be measured.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connectDatabase } from '../../db/connect.ts';
import { migrate } from '../../db/migrations/migrate.ts';
import { createFieldReader } from '../../db/read/field-reader.ts';
import { listFields } from '../../db/read/verify-field.ts';
import { ensureDatabase, startPostgres } from '../../dev/postgres/server.ts';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { toFragments } from '../../shared/cache/state-fragments.ts';
import { serializeState } from '../../shared/cache/state-serializer.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { writeLongLogs } from './long-logs.ts';

const { values } = parseArgs({
  options: {
    updates: { type: 'string', default: '1000000' },
    fields: { type: 'string', default: '4' },
    help: { type: 'boolean', default: false },
  },
});

const usage = `Backs up, damages, restores and compares long logs, in its own PostgreSQL.
  --updates N      total over all fields (default 1000000)
  --fields N       number of fields (default 4)`;

const damagedFile = 'field_updates.copy.gz';

interface Step {
  readonly seconds: number;
  readonly peakRssMb: number;
  readonly result: Readonly<Record<string, unknown>>;
}

/** Runs a step in a child process. @throws unless it exits with code 0 */
async function runStep(name: string, ...args: string[]): Promise<Step> {
  const script = fileURLToPath(new URL('./backup-step.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, name, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.on('data', (text) => {
    stdout += String(text);
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`step ${name} exited with code ${code}`);
  const step = JSON.parse(stdout) as Step;
  const { seconds, peakRssMb, result } = step;
  console.log(
    `${name.padEnd(10)} ${seconds.toFixed(1).padStart(7)} s  peak ${peakRssMb} MB  ${JSON.stringify(result)}`,
  );
  return step;
}

/** A fingerprint of all rows of the backed-up tables and of all states as readers get them. */
async function computeFingerprint(url: string): Promise<string> {
  const log = createLogger({ name: 'bench', level: 'silent' });
  const db = connectDatabase({ url, poolSize: 2, applicationName: 'bench', log, statementTimeoutMs: 600_000 });
  try {
    const reader = createFieldReader(db);
    const parts: unknown[] = [];
    for (const table of [
      'consciousness_states',
      'field_conflicts',
      'field_snapshots',
      'field_updates',
      'vector_clocks',
    ]) {
      const { rows } = await db.raw(
        `SELECT '${table}' AS name, count(*)::text AS rows, sum(hashtextextended(t::text, 0))::text AS hash FROM ${table} t`,
      );
      parts.push(rows[0]);
    }
    for (const field of await listFields(db)) {
      const state = await reader.loadState(field);
      if (state) parts.push(serializeState(toFragments(state)).toString());
    }
    return JSON.stringify(parts);
  } finally {
    await db.destroy();
  }
}

async function flipByte(path: string): Promise<void> {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  const { size } = await file.stat();
  await file.read(byte, 0, 1, size >> 1);
  byte.writeUInt8(byte.readUInt8() ^ 1);
  await file.write(byte, 0, 1, size >> 1);
  await file.close();
}

async function runBenchmark(folder: string, urlOf: (database: string) => string): Promise<boolean> {
  const [source, target] = [urlOf('source'), urlOf('target')];
  for (const url of [source, target]) await migrate(url);
  const startedAt = performance.now();
  await writeLongLogs(source, { updates: Number(values.updates), fields: Number(values.fields) });
  console.log(`${'write'.padEnd(10)} ${((performance.now() - startedAt) / 1000).toFixed(1).padStart(7)} s`);
  const { result } = await runStep('backup', source, join(folder, 'backups'));
  const path = String(result.path);
  const damaged = join(folder, 'damaged');
  await cp(path, damaged, { recursive: true });
  await flipByte(join(damaged, damagedFile));
  const rejected = await runStep('restore', target, damaged);
  const restored = await runStep('restore', target, path);
  const isEqual = (await computeFingerprint(source)) === (await computeFingerprint(target));
  const verified = await runStep('verify', target);
  console.log(`the rows and states of the restored database are ${isEqual ? 'equal' : 'DIFFERENT'}`);
  const isRejected = rejected.result.rejected === 'checksum' && restored.result.rejected === undefined;
  return isEqual && isRejected && verified.result.differences === 0;
}

async function main(): Promise<void> {
  if (values.help) return console.log(usage);
  const folder = await mkdtemp(join(tmpdir(), 'bench-backup-'));
  await chmod(folder, 0o711); // If run as root, PostgreSQL runs as another user, who must be able to traverse the folder.
  const server = await startPostgres({ folder, port: await findFreePort(), password: 'bench' });
  try {
    for (const name of ['source', 'target']) await ensureDatabase(server, name);
    if (!(await runBenchmark(folder, (name) => server.url(name)))) process.exitCode = 1;
  } finally {
    await server.process.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

await main();

/**
 * `npm run bench:large`: what a field with a long log costs. Writes it to its own PostgreSQL, loads, exports, backs up,
 * restores, replays and prunes it, and checks that nothing is lost or differs. Nothing else runs meanwhile.
 */
import { chmod, cp, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../db/migrations/migrate.ts';
import { ensureDatabase, startPostgres } from '../../dev/postgres/server.ts';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { startOrphanReaper } from '../../dev/processes/node-process.ts';
import { createProcessGroup } from '../../dev/processes/process-group.ts';
import { runCommand } from '../../test/support/run-command.ts';
import { renderTable } from '../report/table.ts';
import { describeStep, stepsTable } from './describe-steps.ts';
import { help, type LargeFieldOptions, parseOptions } from './options.ts';
import { type MeasuredStep, runStep } from './step-process.ts';

type PrintLine = (line: string) => void;

/** Runs a step on one of the databases. */
type RunOn = (database: Database, name: string, title: string, folder?: string) => Promise<MeasuredStep>;

type Database = 'source' | 'target';

const databases: readonly Database[] = ['source', 'target'];
const damagedFile = 'field_updates.copy.gz';

/** @returns what is wrong, one sentence each */
async function runSteps(runOn: RunOn, folder: string): Promise<string[]> {
  const problems: string[] = [];
  const check = (isTrue: boolean, problem: string) => {
    if (!isTrue) problems.push(problem);
  };
  const written = await runOn('source', 'write', 'write');
  await runOn('source', 'size', 'size on disk');
  const loaded = await runOn('source', 'load', 'load the state');
  const exported = await runOn('source', 'export', 'export the log', folder);
  check(exported.result.updates === written.result.updates, 'the export does not have all updates');

  const backup = await runOn('source', 'backup', 'back up', join(folder, 'backups'));
  const path = String(backup.result.path);
  const damaged = join(folder, 'damaged');
  await cp(path, damaged, { recursive: true });
  await flipByte(join(damaged, damagedFile));
  const refused = await runOn('target', 'restore', 'restore a damaged copy', damaged);
  check(refused.result.rejected === 'checksum', 'the damaged backup was not refused');
  await rm(damaged, { recursive: true });
  const restored = await runOn('target', 'restore', 'restore', path);
  check(restored.result.updates === written.result.updates, 'the restored log does not have all updates');
  const original = await runOn('source', 'hash', 'hash all rows');
  const copy = await runOn('target', 'hash', 'hash all restored rows');
  check(original.result.rows === copy.result.rows, 'the restored rows differ');
  const restoredState = await runOn('target', 'load', 'load the restored state');
  check(restoredState.result.state === loaded.result.state, 'the restored state differs');

  const replayed = await runOn('target', 'verify', 'replay and compare');
  const isWhole = replayed.result.replayedFrom === 0 && replayed.result.updates === written.result.updates;
  check(isWhole, 'not the whole log was replayed');
  check(replayed.result.differences === 0, 'the replay differs');

  const pruned = await runOn('source', 'prune', 'prune nine tenths');
  const remaining = await runOn('source', 'verify', 'replay the rest');
  const total = Number(pruned.result.updates) + Number(remaining.result.updates);
  check(
    Number(pruned.result.updates) > 0 && total === written.result.updates,
    'pruned and remaining updates are not all',
  );
  check(remaining.result.differences === 0, 'the replay differs after pruning');
  const stateLeft = await runOn('source', 'load', 'load the state again');
  check(stateLeft.result.state === loaded.result.state, 'the state differs after pruning');
  return problems;
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

/** @returns the exit code */
async function run({ updates, fields }: LargeFieldOptions, printLine: PrintLine, signal: AbortSignal): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'field-large-'));
  await chmod(folder, 0o711); // If run as root, PostgreSQL runs as another user, who must be able to traverse the folder.
  const processes = createProcessGroup();
  try {
    await startOrphanReaper(processes.start, join(folder, 'run'));
    const port = await findFreePort();
    const server = await startPostgres({ folder, port, password: 'bench', start: processes.start });
    for (const database of databases) {
      await ensureDatabase(server, database);
      await migrate(server.url(database));
    }
    const measured: MeasuredStep[] = [];
    const runOn: RunOn = async (database, name, title, stepFolder = folder) => {
      const options = { url: server.url(database), folder: stepFolder, updates, fields };
      const step = await runStep({ name, title, options, postgresPid: server.process.pid, signal });
      measured.push(step);
      printLine(describeStep(step));
      return step;
    };
    const problems = await runSteps(runOn, folder);
    printLine(`\n${renderTable(stepsTable(measured, { updates, fields }))}\n`);
    for (const problem of problems) printLine(`FAILED: ${problem}`);
    if (problems.length === 0) printLine('Nothing was lost, and nothing differs.');
    return problems.length === 0 ? 0 : 1;
  } catch (error) {
    // After an interruption, errors are caused by the ended step.
    if (signal.aborted) return 130;
    throw error;
  } finally {
    await processes.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

await runCommand({ help, parseOptions, run });

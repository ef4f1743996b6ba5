/** Runs `enqueue` on an input without end, until it is stopped. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { FieldId } from '../../shared/field/ids.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import { setCell } from '../load/writers.ts';
import type { BenchStack } from '../stack/bench-stack.ts';

const linesPerChunk = 200;

interface RunningEnqueue {
  /** Resolves once its updates are being applied. */
  running(): Promise<void>;
  /** Ends its input. @returns how many updates it has applied per second. @throws if it failed */
  stop(): Promise<number>;
  kill(): void;
}

export function startEnqueue({ urls, db }: BenchStack, field: FieldId): RunningEnqueue {
  const device = `file-${randomBytes(3).toString('hex')}`;
  const script = fileURLToPath(new URL('../../cli/field.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, 'enqueue', '-', '--field', field, '--device', device, '--json'], {
    env: { ...process.env, DATABASE_URL: urls.database, QUEUE_REDIS_URL: urls.queue, CACHE_REDIS_URL: urls.cache },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let isStopping = false;
  function* lines(): Generator<string> {
    for (let counter = 1; !isStopping; ) {
      let chunk = '';
      for (let index = 0; index < linesPerChunk; index += 1, counter += 1)
        chunk += `${JSON.stringify(setCell(counter))}\n`;
      yield chunk;
    }
  }
  const sending = pipeline(Readable.from(lines()), child.stdin);
  // If the command ends early, its exit code says so.
  sending.catch(() => undefined);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = `${errors}${text}`.slice(-2000);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  ended.catch(() => undefined);
  return {
    async running() {
      const sql = 'SELECT 1 FROM field_updates WHERE field_id = $1 AND device_id = $2 LIMIT 1';
      const isApplied = async () => (await db.query(sql, [field, device])).rows.length > 0;
      await waitUntil('updates of the file are applied', isApplied, { timeoutMs: 60_000 });
    },
    async stop() {
      isStopping = true;
      const code = await ended;
      if (code !== 0) throw new Error(`enqueue ended with exit code ${code}: ${errors}`);
      const { applied, seconds } = JSON.parse(output) as { applied: number; seconds: number };
      return applied / seconds;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

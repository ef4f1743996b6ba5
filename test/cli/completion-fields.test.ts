import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { renderBash } from '../../cli/completion/render-shells.ts';
import { walkCommands } from '../../cli/completion/walk-commands.ts';
import { createProgram } from '../../cli/program.ts';
import { installedFile } from '../support/processes/modules.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withFolder } from '../support/with-folder.ts';
import { settingsOf, withField } from './run-field.ts';

const run = promisify(execFile);
const binary = fileURLToPath(installedFile('cli/field.mjs'));
const script = renderBash(walkCommands(createProgram()));

/** Nothing is offered if the database needs longer than a second, as on a busy machine: then a person presses the key again. */
const pressUntil = <T>(press: () => Promise<T | false>) =>
  waitUntil('fields are offered', press, { timeoutMs: 60_000 });

t.test('a shell is offered the fields that begin with what is typed, where a field can follow', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const fields = ['garden', 'garden_2', 'global', 'gardenx'].map(asField);
  for (const field of fields) await backing.producer.enqueue(jobOf(field, asDevice('ada'), [setCell(1, 1, 0.5)]));
  for (const field of fields) await waitForVersion(backing, field, 1);
  const settings = settingsOf(backing);
  const field = await withField(t, settings);
  const complete = (shell: string, prefix: string, ...options: string[]) =>
    pressUntil(async () => {
      const result = await field(['completion', shell, '--fields', prefix, ...options]);
      return !/^(|\{"fields":\[\]\})\s*$/.test(result.stdout) && result;
    });
  t.match(await complete('bash', 'garden_'), { code: 0, stdout: 'garden_2\n', stderr: '' });
  t.equal((await complete('zsh', '')).stdout, 'garden\ngarden_2\ngardenx\nglobal\n');
  t.equal((await field(['completion', 'fish', '--fields', '%'])).stdout, '');
  t.match(JSON.parse((await complete('bash', 'gl', '--json')).stdout), { fields: ['global'] });

  const cwd = await withFolder(t);
  /** The fields among what bash offers for these words, of which the last is incomplete. */
  const offered = async (...words: string[]) => {
    const typed = ['field', ...words].map((word) => `'${word}'`).join(' ');
    const commands = `field() { '${process.execPath}' '${binary}' "$@"; }\n${script}
      COMP_WORDS=(${typed}); COMP_CWORD=${words.length}; _field; echo "\${COMPREPLY[@]}"`;
    const env = { PATH: process.env.PATH ?? '', FIELD_DATA_DIR: cwd, ...settings };
    const { stdout } = await run('bash', ['-c', commands], { cwd, env });
    return stdout
      .trim()
      .split(/\s+/)
      .filter((word) => fields.some((known) => known === word));
  };
  const offeredSoon = (...words: string[]) =>
    pressUntil(async () => {
      const found = await offered(...words);
      return found.length > 0 && found;
    });
  t.same(await offeredSoon('state', 'ga'), ['garden', 'garden_2', 'gardenx']);
  t.same(await offeredSoon('verify', 'global', 'gl'), ['global']);
  t.same(await offeredSoon('enqueue', 'file', '--field', 'gl'), ['global']);
  t.same(await offeredSoon('import', 'file', 'gl'), ['global']);
  t.same(await offered('import', 'gl'), [], 'files come first');
  t.same(await offered('backup', 'gl'), []);
});

t.test('nothing is offered, and nothing is printed, when the database cannot be reached', async (t) => {
  const field = await withField(t);
  const silent = { code: 0, stdout: '', stderr: '' };
  t.match(await field(['completion', 'bash', '--fields', '']), silent, 'no settings');
  const env = { DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' };
  t.match(await field(['completion', 'bash', '--fields', ''], { env }), silent, 'nothing listens');

  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => sockets.add(socket));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const mute = { DATABASE_URL: `postgresql://nobody@127.0.0.1:${port}/none` };
  // A real process, which must also end.
  t.match(await field.spawn(['completion', 'bash', '--fields', ''], { env: mute }).ended, silent, 'nobody answers');
  t.equal(sockets.size, 1);
});

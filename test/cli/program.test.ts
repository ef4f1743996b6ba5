import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { withFolder } from '../support/with-folder.ts';
import { withField } from './run-field.ts';

const commands = [
  'enqueue',
  'state',
  'conflicts',
  'history',
  'replay',
  'verify',
  'backup',
  'restore',
  'token',
  'migrate',
];

t.test('every command has a help with an example', async (t) => {
  const field = await withField(t);
  const { code, stdout } = await field(['--help']);
  t.equal(code, 0);
  t.match(stdout, 'Exit codes:');
  for (const command of commands) {
    t.match(stdout, `  ${command} `, `${command} is listed`);
    const help = await field([command, '--help']);
    t.equal(help.code, 0);
    t.match(help.stdout, new RegExp(`Examples?:\\n.*npx field ${command}`, 's'), `${command} shows an example`);
  }
});

t.test('wrong usage ends with code 2 and says what is wrong', async (t) => {
  const field = await withField(t);
  const wrong: [string[], RegExp][] = [
    [[], /Usage: field/],
    [['stat', 'global'], /unknown command 'stat'/],
    [['state'], /missing required argument 'field'/],
    [['conflicts', 'global', '--limit', '51'], /from 1 to 50/],
    [['enqueue', 'nowhere.ndjson'], /nowhere\.ndjson cannot be read/],
    [['migrate', '--down', '--status'], /either --down or --status/],
  ];
  for (const [args, said] of wrong) {
    const { code, stdout, stderr } = await field(args);
    t.equal(code, 2, `field ${args.join(' ')}`);
    t.match(stderr, said);
    t.equal(stdout, '');
  }
});

t.test('it runs from any folder and through a symbolic link', async (t) => {
  const folder = await withFolder(t);
  const link = join(folder, 'field');
  await symlink(fileURLToPath(new URL('../../cli/field.mjs', import.meta.url)), link);
  const field = await withField(t);
  const { code, stdout, stderr } = await field(['--version'], { as: link });
  t.equal(code, 0);
  t.match(stdout, /^\d+\.\d+\.\d+\n$/);
  t.equal(stderr, '', 'and without warnings');
});

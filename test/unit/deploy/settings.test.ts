import { readFile } from 'node:fs/promises';
import t from 'tap';
import { loadConfig } from '../../../shared/config/config.ts';
import { configSchema } from '../../../shared/config/settings.ts';

const example = await readFile(new URL('../../../.env.example', import.meta.url), 'utf8');
const lines = example.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const settings = Object.fromEntries(
  lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
);

t.test('.env.example lists every setting and no other', async (t) => {
  t.same(Object.keys(settings).sort(), Object.keys(configSchema.shape).sort());
});

t.test('.env.example shows the default values', async (t) => {
  const required = { DATABASE_URL: 'postgres://x', QUEUE_REDIS_URL: 'redis://x', CACHE_REDIS_URL: 'redis://x' };
  const defaults = configSchema.parse(required);
  const shown = configSchema.parse({
    ...Object.fromEntries(Object.entries(settings).filter(([, value]) => value)),
    ...required,
  });
  t.same(shown, defaults);
});

t.test('.env.example is valid once a secret is added', async (t) => {
  t.throws(() => loadConfig(settings), /JWT_SECRET/);
  t.doesNotThrow(() => loadConfig({ ...settings, JWT_SECRET: 'Vz8QkNw4cTjY2mXhGdLs7RbFp9aUe3Wi' }));
});

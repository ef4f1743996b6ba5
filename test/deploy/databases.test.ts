/**
 * Checks the manifests of the databases without a cluster: that what they name exists, and that the servers refer to them. With
 * `OPERATOR_CRDS`, a folder with the custom resource definitions of the operators, they are validated against those as well.
 */
import { readdir, readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import t from 'tap';
import { parse, parseAllDocuments } from 'yaml';

const folder = new URL('../../deploy/kubernetes/databases/', import.meta.url);
const definitions = process.env.OPERATOR_CRDS;

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: the operators publish no types
  readonly spec?: any;
}

const parseManifests = (text: string) => parseAllDocuments(text).map((document) => document.toJS() as Manifest);
const names = (await readdir(folder)).filter((name) => name !== 'kustomization.yml');
const manifests = (
  await Promise.all(names.map(async (name) => parseManifests(await readFile(new URL(name, folder), 'utf8'))))
).flat();
const serverSecrets = parseManifests(await readFile(new URL('../secret.example.yml', folder), 'utf8'));

function find(kind: string, name: string): Manifest {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

t.test('the kustomization lists every file except the secrets', async (t) => {
  const { resources, namespace } = parse(await readFile(new URL('kustomization.yml', folder), 'utf8'));
  t.same(resources.sort(), names.filter((name) => name !== 'secret.example.yml').sort());
  t.ok(find('Namespace', namespace));
});

t.test('the settings of the servers lead to the services that the operators make', async (t) => {
  const sentinel = find('RedisSentinel', 'queue');
  // The names that the operators give to the services.
  const services = {
    postgres: `${find('Cluster', 'postgres').metadata.name}-rw`,
    queue: `${sentinel.metadata.name}-sentinel`,
  };
  const urls = serverSecrets.flatMap(({ stringData = {} }) =>
    Object.entries(stringData).filter(([name]) => name.endsWith('_URL')),
  );
  t.ok(urls.length >= 7);
  for (const [name, text] of urls) {
    const { hostname, searchParams, username } = new URL(text);
    const [service, namespace] = hostname.split('.');
    t.equal(namespace, find('Namespace', 'field-data').metadata.name);
    if (name === 'CACHE_REDIS_URL') t.equal(service, find('Redis', 'cache').metadata.name);
    if (name === 'QUEUE_REDIS_URL') {
      t.equal(service, services.queue);
      t.equal(searchParams.get('sentinel'), sentinel.spec.redisSentinelConfig.masterGroupName);
    }
    if (name !== 'DATABASE_URL') continue;
    t.equal(service, services.postgres);
    const { bootstrap, managed } = find('Cluster', 'postgres').spec;
    const logins = [bootstrap.initdb.owner, ...managed.roles.map((role: { name: string }) => role.name)];
    t.ok(logins.includes(username), `${username} is a login`);
  }
});

t.test('every secret and every file of settings that a manifest names exists', (t) => {
  const { bootstrap, managed } = find('Cluster', 'postgres').spec;
  const secrets: [name: string, user: string][] = [
    [bootstrap.initdb.secret.name, bootstrap.initdb.owner],
    ...managed.roles.map((role: { name: string; passwordSecret: { name: string } }) => [
      role.passwordSecret.name,
      role.name,
    ]),
  ];
  for (const [name, username] of secrets) t.match(find('Secret', name).stringData, { username, password: 'REPLACE' });
  for (const [kind, name] of [
    ['RedisReplication', 'queue'],
    ['Redis', 'cache'],
  ] as const) {
    const { redisConfig, kubernetesConfig } = find(kind, name).spec;
    t.ok(find('ConfigMap', redisConfig.additionalRedisConfig).data?.['redis-additional.conf'], name);
    const { name: secret, key } = kubernetesConfig.redisSecret;
    t.equal(find('Secret', secret).stringData?.[key], 'REPLACE');
  }
  t.equal(find('RedisSentinel', 'queue').spec.redisSentinelConfig.redisReplicationName, 'queue');
  t.end();
});

t.test('the queue is as durable as the servers demand, and a commit waits for a standby', (t) => {
  const settings = find('ConfigMap', 'queue-settings').data?.['redis-additional.conf']?.split('\n') ?? [];
  for (const line of [
    'appendonly yes',
    'appendfsync always',
    'no-appendfsync-on-rewrite no',
    'maxmemory-policy noeviction',
  ])
    t.ok(settings.includes(line), line);
  t.match(find('Cluster', 'postgres').spec.postgresql.synchronous, { number: 1, dataDurability: 'required' });
  t.end();
});

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema | boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** Refuses properties that a definition does not know, as the API server does with strict validation. */
function close(schema: Schema): Schema {
  for (const each of Object.values(schema.properties ?? {})) close(each);
  if (schema.items) close(schema.items);
  if (typeof schema.additionalProperties === 'object') close(schema.additionalProperties);
  if (schema.properties && !schema['x-kubernetes-preserve-unknown-fields']) schema.additionalProperties ??= false;
  return schema;
}

t.test(
  'the manifests satisfy the definitions of the operators',
  { skip: !definitions && 'OPERATOR_CRDS is not set' },
  async (t) => {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    const validated: string[] = [];
    for (const file of await readdir(definitions ?? '')) {
      const { spec } = parse(await readFile(`${definitions}/${file}`, 'utf8'));
      for (const { name: version, schema } of spec.versions) {
        const { properties } = close(schema.openAPIV3Schema);
        const validate = ajv.compile(properties?.spec ?? {});
        const apiVersion = `${spec.group}/${version}`;
        const ofKind = manifests.filter((each) => each.apiVersion === apiVersion && each.kind === spec.names.kind);
        for (const manifest of ofKind) {
          t.ok(validate(manifest.spec), `${manifest.kind} ${manifest.metadata.name}`, { errors: validate.errors });
          t.notOk(validate({ ...manifest.spec, unknown: 1 }), 'a mistake is reported');
          validated.push(manifest.kind);
        }
      }
    }
    t.same(validated.sort(), ['Cluster', 'Redis', 'RedisReplication', 'RedisSentinel']);
  },
);

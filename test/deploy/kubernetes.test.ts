/** Checks the manifests without a cluster: against the types of Kubernetes, against the settings, and for consistency. */
import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { Job } from 'kubernetes-types/batch/v1.js';
import type { ConfigMap, PodSpec, Secret, Service } from 'kubernetes-types/core/v1.js';
import type { NetworkPolicy } from 'kubernetes-types/networking/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import t from 'tap';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig, loadWorkerConfig } from '../../shared/config/config.ts';
import { configSchema, workerSettings } from '../../shared/config/settings.ts';
import { defaultDeadlineMs } from '../../shared/process/lifecycle.ts';
import { withFolder } from '../support/with-folder.ts';

const root = new URL('../../', import.meta.url);
const folder = new URL('deploy/kubernetes/', root);
const read = (name: string) => readFile(new URL(name, folder), 'utf8');

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

const listFiles = async (path: string) =>
  (await readdir(new URL(path, folder)))
    .filter((name) => name.endsWith('.yml') && name !== 'kustomization.yml')
    .map((name) => `${path}${name}`);

async function readManifests(files: readonly string[]): Promise<Manifest[]> {
  const texts = await Promise.all(files.map(read));
  return texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as Manifest));
}

const names = await listFiles('');
const manifests = await readManifests(names);
const databases = await readManifests(await listFiles('databases/'));
/** Those of the operators, which databases.test.ts validates, have a group with a domain. */
const isBuiltIn = ({ apiVersion }: Manifest) => !/\.(io|in)\//.test(apiVersion) || apiVersion.includes('.k8s.io/');

function find<T>(kind: string, name: string): T {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found as unknown as T;
}

/** Each manifest as a typed literal, so that the compiler reports missing, mistyped and unknown properties. */
function asProgram(all: readonly Manifest[]): string {
  return all
    .map(({ apiVersion, kind, ...rest }, index) => {
      const [group = '', version] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion];
      const path = `kubernetes-types/${group.replace(/\.k8s\.io$/, '')}/${version}`;
      const literal = JSON.stringify({ apiVersion, kind, ...rest }, null, 1);
      return `import type { ${kind} as Kind${index} } from '${path}';\nexport const it${index}: Kind${index} = ${literal};`;
    })
    .join('\n');
}

async function compile(t: Parameters<typeof withFolder>[0], all: readonly Manifest[]): Promise<string> {
  const file = join(await withFolder(t), 'manifests.ts');
  await writeFile(file, asProgram(all));
  const tsc = fileURLToPath(new URL('node_modules/typescript7/bin/tsc', root));
  const paths = { 'kubernetes-types/*': [fileURLToPath(new URL('node_modules/kubernetes-types/*', root))] };
  const tsconfig = join(file, '..', 'tsconfig.json');
  const compilerOptions = {
    strict: true,
    noEmit: true,
    module: 'esnext',
    moduleResolution: 'bundler',
    types: [],
    paths,
  };
  await writeFile(tsconfig, JSON.stringify({ compilerOptions, files: [file] }));
  return promisify(execFile)(process.execPath, [tsc, '-p', tsconfig]).then(
    () => '',
    (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
  );
}

t.test('every manifest satisfies the types of Kubernetes, and a mistake is reported', async (t) => {
  t.equal(await compile(t, [...manifests, ...databases.filter(isBuiltIn)]), '');
  const deployment = find<Deployment>('Deployment', 'api');
  const invalid = { ...deployment, spec: { ...deployment.spec, replicas: 'two', terminationGrace: 30 } };
  const output = await compile(t, [invalid as unknown as Manifest]);
  t.match(output, /replicas|'string' is not assignable/);
});

t.test('the kustomization lists every file except the secret, which is a template with placeholders', async (t) => {
  const { resources } = parse(await read('kustomization.yml')) as { resources: string[] };
  t.same(resources.sort(), names.filter((name) => name !== 'secret.example.yml').sort());
  for (const pod of ['api', 'worker', 'migrate', 'commands']) {
    const { stringData = {} } = find<Secret>('Secret', `field-${pod}`);
    for (const [name, value] of Object.entries(stringData)) t.match(value, 'REPLACE', `${name} is a placeholder`);
  }
});

t.test('the manifests set only known settings, with values that are valid in production', async (t) => {
  const { data: shared = {} } = find<ConfigMap>('ConfigMap', 'field');
  const { data: ofApi = {} } = find<ConfigMap>('ConfigMap', 'field-api');
  const secretsOf = (pod: string) => {
    const { stringData = {} } = find<Secret>('Secret', `field-${pod}`);
    const filled = Object.entries(stringData).map(([name, value]) => {
      return [name, value === 'REPLACE' ? 'cTq3vZ8mLr1xWn5yKb7dPf2hGj9sEa4u' : value];
    });
    return Object.fromEntries(filled) as Record<string, string>;
  };
  const apiSettings = { ...shared, ...ofApi, ...secretsOf('api') };
  for (const name of Object.keys(apiSettings)) t.ok(name in configSchema.shape, `${name} is a setting`);
  t.equal(loadConfig(apiSettings).isProduction, true);
  for (const pod of ['worker', 'commands']) {
    const env = { ...shared, ...secretsOf(pod) };
    for (const name of Object.keys(env)) t.ok(name in workerSettings, `${pod}: ${name} is a setting of workers`);
    t.equal(loadWorkerConfig(env).isProduction, true);
  }
  t.same(Object.keys(secretsOf('migrate')), ['DATABASE_URL']);
});

const workloads: [string, PodSpec | undefined][] = [
  ['api', find<Deployment>('Deployment', 'api').spec?.template.spec],
  ['worker', find<Deployment>('Deployment', 'worker').spec?.template.spec],
  ['migrate', find<Job>('Job', 'migrate').spec?.template.spec],
  ['commands', find<Deployment>('Deployment', 'commands').spec?.template.spec],
];

t.test('every pod is unprivileged, has a read-only root file system, and declares its resources', async (t) => {
  for (const [name, spec] of workloads) {
    t.match(spec, { automountServiceAccountToken: false, securityContext: { runAsNonRoot: true } }, name);
    for (const container of spec?.containers ?? []) {
      t.match(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      t.match(container.resources, { requests: { cpu: String, memory: String }, limits: { memory: String } });
      t.match(container.volumeMounts, [{ mountPath: '/tmp' }]);
      t.same(container.envFrom?.at(-1), { secretRef: { name: `field-${name}` } }, 'no secret of another pod');
      t.equal(container.envFrom?.filter(({ secretRef }) => secretRef).length, 1);
    }
  }
});

t.test('commands have the backups, and the password of the owner only while somebody runs them', async (t) => {
  const { spec } = find<Deployment>('Deployment', 'commands');
  t.equal(spec?.replicas, 0);
  const volumesOf = (name: string) => find<Deployment>('Deployment', name).spec?.template.spec?.volumes;
  t.same(spec?.template.spec?.volumes, volumesOf('worker'));
  const ownersUrl = (pod: string) => find<Secret>('Secret', `field-${pod}`).stringData?.DATABASE_URL;
  t.equal(ownersUrl('commands'), ownersUrl('migrate'));
});

t.test('what an upgrade replaces one by one has a label of its own', async (t) => {
  const labelled = [
    find<Job>('Job', 'migrate'),
    ...['worker', 'api'].map((name) => find<Deployment>('Deployment', name)),
  ];
  for (const { metadata } of labelled) t.equal(metadata?.labels?.app, metadata?.name);
});

t.test('the termination grace period exceeds the shutdown deadline of the process', async (t) => {
  const deadlineSeconds = defaultDeadlineMs / 1000;
  for (const [name, spec] of workloads.slice(0, 2)) {
    const [container] = spec?.containers ?? [];
    const [, pause = '0'] = container?.lifecycle?.preStop?.exec?.command ?? [];
    t.ok((spec?.terminationGracePeriodSeconds ?? 30) > deadlineSeconds + Number(pause), name);
  }
});

t.test('the network policy lets every server through that the settings can name', async (t) => {
  const policy = find<NetworkPolicy>('NetworkPolicy', 'default');
  const ports = policy.spec?.egress?.flatMap((rule) => rule.ports?.map(({ port }) => port) ?? []) ?? [];
  // PostgreSQL, pgbouncer, Redis, its Sentinels, OTLP over HTTP, and an identity provider or a webhook.
  for (const port of [5432, 6432, 6379, 26_379, 4318, 443]) t.ok(ports.includes(port), `${port}`);
});

t.test('probes, services, disruption budgets and autoscalers refer to existing targets', async (t) => {
  const sources = await Promise.all(
    ['api/routes/health.ts', 'shared/observability/metrics-server.ts'].map((name) =>
      readFile(new URL(name, root), 'utf8'),
    ),
  );
  for (const name of ['api', 'worker']) {
    const { spec } = find<Deployment>('Deployment', name);
    const labels = spec?.template.metadata?.labels;
    t.same(spec?.selector.matchLabels, labels);
    t.same(find<PodDisruptionBudget>('PodDisruptionBudget', name).spec?.selector?.matchLabels, labels);
    t.match(find<HorizontalPodAutoscaler>('HorizontalPodAutoscaler', name).spec, {
      scaleTargetRef: { kind: 'Deployment', name },
      minReplicas: 2,
    });
    const [container] = spec?.template.spec?.containers ?? [];
    const ports = container?.ports?.map((port) => port.name) ?? [];
    const { startupProbe, livenessProbe, readinessProbe } = container ?? {};
    for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
      t.ok(sources.join().includes(`'${probe?.httpGet?.path}'`), `${name} serves ${probe?.httpGet?.path}`);
      t.ok(ports.includes(String(probe?.httpGet?.port)));
    }
    const services = manifests.filter(({ kind, metadata }) => kind === 'Service' && metadata.name.startsWith(name));
    t.ok(services.length > 0);
    for (const service of services as unknown as Service[]) {
      t.same(service.spec?.selector, labels);
      for (const port of service.spec?.ports ?? []) t.ok(ports.includes(String(port.targetPort)));
    }
  }
});

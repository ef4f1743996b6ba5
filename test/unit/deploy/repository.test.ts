/** Checks what GitHub reads of this repository: workflows, Dependabot, issue forms and the settings of releases. */
import { existsSync, statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import t from 'tap';
import { parse } from 'yaml';

const root = new URL('../../../', import.meta.url);
const read = (name: string) => readFile(new URL(name, root), 'utf8');
const workflows = await Promise.all(
  (await readdir(new URL('.github/workflows/', root))).map(async (name) => ({
    name,
    text: await read(`.github/workflows/${name}`),
  })),
);

interface Workflow {
  readonly permissions?: Record<string, string>;
  readonly jobs: Record<
    string,
    {
      readonly 'timeout-minutes'?: number;
      readonly container?: string;
      readonly strategy?: { matrix: { node: number[] } };
      readonly steps: readonly { readonly uses?: string; readonly run?: string; with?: Record<string, string> }[];
    }
  >;
}

t.test('every action is pinned by its commit, and named with its version', async (t) => {
  let count = 0;
  for (const { name, text } of workflows) {
    for (const [line, action = ''] of text.matchAll(/uses: (\S+).*$/gm)) {
      t.match(action, /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/, `${name}: ${action}`);
      t.match(line, / # v\d+\.\d+\.\d+$/, `${name}: ${line}`);
      count += 1;
    }
    for (const [, image = ''] of text.matchAll(/container: (\S+)/g))
      t.match(image, /@sha256:[0-9a-f]{64}$/, `${name}: ${image}`);
  }
  t.ok(count >= 4);
});

t.test('no workflow has rights by default, and every job ends', async (t) => {
  for (const { name, text } of workflows) {
    const { permissions, jobs }: Workflow = parse(text);
    t.ok(permissions, `${name} states its rights`);
    t.same(
      Object.entries(permissions ?? {}).filter(([, right]) => right !== 'read'),
      [],
      `${name} gives all jobs no more than reading`,
    );
    for (const [job, { 'timeout-minutes': timeout }] of Object.entries(jobs)) t.ok(timeout, `${name}: ${job}`);
  }
});

t.test('CI runs all checks on every supported Node', async (t) => {
  const { jobs }: Workflow = parse(workflows.find(({ name }) => name === 'ci.yml')?.text ?? '');
  t.same(jobs.run?.strategy?.matrix.node, [20, 22, 24]);
  t.ok(
    jobs.run?.steps.some(({ run }) => run === '.ci/run'),
    'by the script that also runs elsewhere',
  );
  t.match(JSON.parse(await read('package.json')).engines.node, />=20\b/);
});

t.test('the scripts that a release runs exist, and only the client is published', async (t) => {
  const { jobs }: Workflow = parse(workflows.find(({ name }) => name === 'release.yml')?.text ?? '');
  const { with: options = {} } = jobs.release?.steps.find(({ uses }) => uses?.startsWith('changesets/action')) ?? {};
  for (const script of [options['version-script'], options['publish-script']]) {
    const file = new URL(script ?? 'missing', root);
    t.ok(existsSync(file) && statSync(file).mode & 0o100, `${script} is executable`);
  }
  t.equal(JSON.parse(await read('.changeset/config.json')).access, 'public');
  t.equal(JSON.parse(await read('package.json')).private, true, 'the servers are not published');
  t.notOk(JSON.parse(await read('client/package.json')).private);
});

t.test('Dependabot updates every place that pins something', async (t) => {
  const { updates } = parse(await read('.github/dependabot.yml'));
  const places = updates.map((update: Record<string, string>) => `${update['package-ecosystem']} ${update.directory}`);
  for (const place of ['npm /', 'npm /docs/site', 'github-actions /', 'docker /', 'docker-compose /'])
    t.ok(places.includes(place), place);
});

t.test('issue forms have what GitHub requires of them', async (t) => {
  const forms = (await readdir(new URL('.github/ISSUE_TEMPLATE/', root))).filter((name) => name !== 'config.yml');
  t.ok(forms.length >= 2);
  for (const name of forms) {
    const form = parse(await read(`.github/ISSUE_TEMPLATE/${name}`));
    t.ok(form.name && form.description, name);
    const ids = form.body.flatMap(({ id }: { id?: string }) => id ?? []);
    t.equal(new Set(ids).size, ids.length, `${name}: ids are unique`);
    for (const { type, attributes, validations } of form.body) {
      t.ok(['markdown', 'input', 'textarea', 'dropdown', 'checkboxes'].includes(type), `${name}: ${type}`);
      t.ok(type === 'markdown' ? attributes.value : attributes.label, name);
      t.ok(validations === undefined || typeof validations.required === 'boolean', name);
    }
  }
});

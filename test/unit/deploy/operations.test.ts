/** Checks the runbook against the alerts and the command line. */
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { parse } from 'yaml';
import { exitCodes, exitMeanings } from '../../../cli/errors/cli-error.ts';
import { createProgram } from '../../../cli/program.ts';
import { configSchema } from '../../../shared/config/settings.ts';

const read = (name: string) => readFile(new URL(`../../../${name}`, import.meta.url), 'utf8');
const runbook = await read('docs/operations.md');
const { groups }: { groups: { rules: { alert: string; annotations: { runbook_url: string } }[] }[] } = parse(
  await read('deploy/prometheus/alerts.yml'),
);
const alerts = groups.flatMap(({ rules }) => rules);
const headings = [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
const anchors = headings.map((heading) =>
  heading
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-'),
);

t.test('every alert has a section in the runbook and links to it', async (t) => {
  t.ok(alerts.length > 10);
  for (const { alert, annotations } of alerts) {
    t.ok(headings.includes(alert), `${alert} has a section`);
    t.equal(annotations.runbook_url, `docs/operations.md#${alert.toLowerCase()}`);
  }
  const sections = headings.filter((heading) => heading.startsWith('Field'));
  const names = alerts.map(({ alert }) => alert);
  t.same(
    sections.filter((section) => !names.includes(section)),
    [],
    'no section describes an alert that does not exist',
  );
});

t.test('every link within the runbook has a target', async (t) => {
  for (const [, anchor = ''] of runbook.matchAll(/\]\(#([^)]+)\)/g)) t.ok(anchors.includes(anchor), anchor);
});

t.test('every command in the documentation exists, with its options', async (t) => {
  const pages = ['operations', 'troubleshooting', 'webhooks', 'data', 'backups', 'security', 'guarantees'];
  for (const page of ['README.md', ...pages.map((name) => `docs/${name}.md`)]) {
    const text = await read(page);
    for (const [, line = ''] of text.matchAll(/(?:npx consciousness-field|cli\/field\.mjs) ([a-z][^`\n#|]*)/g)) {
      let command = createProgram();
      const words = line.split(/\s+/);
      for (;;) {
        const next = command.commands.find((sub) => sub.name() === words[0]);
        if (!next) break;
        command = next;
        words.shift();
      }
      t.ok(command.parent, `${page}: field ${line}`);
      const known = command.options.flatMap(({ long, short }) => [long, short]);
      for (const option of words.filter((word) => /^--[a-z]/.test(word))) {
        t.ok(known.includes(option.replace(/[^a-z-]/g, '')) || option === '--help', `${page}: ${line} ${option}`);
      }
    }
  }
});

t.test('the runbook lists every exit code and only existing settings', async (t) => {
  for (const [name, code] of Object.entries(exitCodes)) {
    t.ok(runbook.includes(`| ${code} | ${exitMeanings[name as keyof typeof exitCodes]} |`), `${code} is listed`);
  }
  const names = [...runbook.matchAll(/`([A-Z]+(?:_[A-Z]+)+)(?:=\w+)?`/g)].map(([, name = '']) => name);
  t.ok(names.length > 5);
  const composed = new Set(
    [...(await read('docker-compose.yml')).matchAll(/\$\{(\w+)\b/g)].map(([, name = '']) => name),
  );
  for (const name of names)
    t.ok(name in configSchema.shape || composed.has(name), `${name} is a setting or read by the Compose file`);
  for (const name of composed)
    t.ok(
      name in configSchema.shape || runbook.includes(`\`${name}\``),
      `${name} is described here or in docs/settings.md`,
    );
});

/** A real Prometheus for a test, with the rules that are in `deploy/`, scraping what the test says every second. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import { stringify } from 'yaml';
import { startProcess } from '../../dev/processes/child-process.ts';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { waitUntil } from '../support/wait-until.ts';

export interface Prometheus {
  /** The result of a query; throws when it cannot be parsed. */
  query(expression: string): Promise<readonly { readonly value: readonly [number, string] }[]>;
  /** Health of each rule, by the name of its alert. */
  ruleHealth(): Promise<Map<string, string>>;
}

export async function withPrometheus(
  t: Test,
  program: string,
  targets: Readonly<Record<string, number>>,
): Promise<Prometheus> {
  const folder = await mkdtemp(join(process.env.TEST_FOLDER ?? '/tmp', 'prometheus-'));
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const configFile = join(folder, 'prometheus.yml');
  const rules = await readFile(new URL('../../deploy/prometheus/alerts.yml', import.meta.url), 'utf8');
  await writeFile(join(folder, 'alerts.yml'), rules);
  const configuration = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: ['alerts.yml'],
    scrape_configs: Object.entries(targets).map(([job, target]) => ({
      job_name: job,
      static_configs: [{ targets: [`127.0.0.1:${target}`] }],
    })),
  };
  await writeFile(configFile, stringify(configuration));
  const running = await startProcess({
    name: 'prometheus',
    command: program,
    args: [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    env: process.env,
    output: process.env.TEST_LOG_LEVEL ? 'inherit' : 'ignore',
    stopSignal: 'SIGTERM',
    graceMs: 5000,
  });
  t.teardown(async () => {
    await running.stop();
    await rm(folder, { recursive: true, force: true });
  });
  await waitUntil('Prometheus is ready', async () => (await fetch(`${url}/-/ready`)).ok, { timeoutMs: 60_000 });
  const ask = async (path: string) => {
    const answer = (await (await fetch(`${url}/api/v1/${path}`)).json()) as {
      status: string;
      error?: string;
      data: never;
    };
    if (answer.status !== 'success') throw new Error(answer.error);
    return answer.data;
  };
  return {
    async query(expression) {
      const { result } = (await ask(`query?query=${encodeURIComponent(expression)}`)) as {
        result: { value: [number, string] }[];
      };
      return result;
    },
    async ruleHealth() {
      const { groups } = (await ask('rules')) as { groups: { rules: { name: string; health: string }[] }[] };
      return new Map(groups.flatMap(({ rules }) => rules).map(({ name, health }) => [name, health]));
    },
  };
}

/** Runs a real Prometheus for a test, with the rules of `deploy/`, scraping the given ports every second. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import { stringify } from 'yaml';
import { startProcess } from '../../dev/processes/child-process.ts';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withFolder } from '../support/with-folder.ts';

export interface Prometheus {
  /** The result of an instant query. @throws if Prometheus rejects the query */
  query(expression: string): Promise<readonly { readonly value: readonly [number, string] }[]>;
  /** The health of each rule, by alert name. */
  ruleHealth(): Promise<Map<string, string>>;
}

export async function withPrometheus(
  t: Test,
  program: string,
  targets: Readonly<Record<string, number>>,
): Promise<Prometheus> {
  const folder = await withFolder(t);
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
  t.teardown(() => running.stop());
  await waitUntil('Prometheus is ready', async () => (await fetch(`${url}/-/ready`)).ok, { timeoutMs: 60_000 });
  const request = async (path: string) => {
    const response = (await (await fetch(`${url}/api/v1/${path}`)).json()) as {
      status: string;
      error?: string;
      data: never;
    };
    if (response.status !== 'success') throw new Error(response.error);
    return response.data;
  };
  return {
    async query(expression) {
      const { result } = (await request(`query?query=${encodeURIComponent(expression)}`)) as {
        result: { value: [number, string] }[];
      };
      return result;
    },
    async ruleHealth() {
      const { groups } = (await request('rules')) as { groups: { rules: { name: string; health: string }[] }[] };
      return new Map(groups.flatMap(({ rules }) => rules).map(({ name, health }) => [name, health]));
    },
  };
}

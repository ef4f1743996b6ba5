/**
 * Checks the dashboard and alerts against the metrics that exist: a real Prometheus scrapes a real API and a real worker,
 * and evaluates every query and every alert.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { parse } from 'yaml';
import { findExecutable } from '../../dev/processes/find-executable.ts';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { withProcess } from '../support/processes/with-process.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withPrometheus } from './with-prometheus.ts';

const run = promisify(execFile);
const folder = new URL('../../deploy/', import.meta.url);
const read = (name: string) => readFile(new URL(name, folder), 'utf8');
const pathOf = (name: string) => fileURLToPath(new URL(name, folder));

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}
interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const { groups }: { groups: { rules: Rule[] }[] } = parse(await read('prometheus/alerts.yml'));
const alerts = groups.flatMap(({ rules }) => rules);
const dashboard: { panels: Panel[] } = JSON.parse(await read('grafana/field.json'));
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({ title, query: expr.replaceAll('$__rate_interval', '30s') })),
);
const [promtool, prometheus] = [findExecutable('promtool'), findExecutable('prometheus')];
const missing = 'Prometheus is not installed here (apt-get install prometheus)';

t.test('every alert has a severity, a summary and a link to the runbook', async (t) => {
  for (const { alert, labels, annotations } of alerts) {
    t.match(labels.severity, /^(page|ticket)$/, alert);
    t.ok(annotations.summary, alert);
    t.equal(annotations.runbook_url, `docs/operations.md#${alert.toLowerCase()}`);
  }
});

t.test('every alert has a test case in which it fires and one in which it does not', async (t) => {
  const { tests }: { tests: { alert_rule_test: { alertname: string; exp_alerts?: unknown[] }[] }[] } = parse(
    await read('prometheus/alerts.test.yml'),
  );
  const tested = tests.flatMap(({ alert_rule_test: rules }) => rules);
  for (const { alert } of alerts) {
    const cases = tested.filter(({ alertname }) => alertname === alert);
    t.ok(
      cases.some(({ exp_alerts: expected }) => expected?.length),
      `${alert} has a case in which it fires`,
    );
    t.ok(
      cases.some(({ exp_alerts: expected }) => !expected?.length),
      `${alert} has a case in which it does not fire`,
    );
  }
});

t.test('promtool accepts the configuration and the rules', { skip: promtool ? false : missing }, async (t) => {
  if (!promtool) return;
  const check = async (...args: string[]) => (await run(promtool, args)).stdout;
  t.match(await check('check', 'config', pathOf('prometheus/prometheus.yml')), 'SUCCESS');
  t.match(await check('check', 'rules', pathOf('prometheus/alerts.yml')), `${alerts.length} rules found`);
  t.match(await check('test', 'rules', pathOf('prometheus/alerts.test.yml')), 'SUCCESS');
});

t.test(
  'Prometheus returns data for every query of the dashboard, and evaluates every alert',
  { skip: prometheus ? false : missing },
  async (t) => {
    if (!prometheus) return;
    const backing = await withBacking(t);
    const [port, apiMetrics, workerMetrics] = [await findFreePort(), await findFreePort(), await findFreePort()];
    await withProcess(t, 'api', backing, { PORT: String(port), METRICS_PORT: String(apiMetrics) });
    await withProcess(t, 'workers', backing, { METRICS_PORT: String(workerMetrics) });
    const base = `http://127.0.0.1:${port}`;
    await waitUntil('the API is ready', async () => (await fetch(`${base}/api/health/ready`)).ok, {
      timeoutMs: 60_000,
    });
    const { query, ruleHealth } = await withPrometheus(t, prometheus, {
      'field-api': apiMetrics,
      'field-worker': workerMetrics,
    });
    await waitUntil('both processes are scraped', async () => (await query('up == 1')).length === 2, {
      timeoutMs: 60_000,
    });

    const traffic = await startTraffic(base);
    t.teardown(traffic.stop);
    let empty = queries;
    await waitUntil(
      'every query of the dashboard returns data',
      async () => {
        await traffic.send();
        const results = await Promise.all(empty.map(async (panel) => ({ ...panel, found: await query(panel.query) })));
        empty = results.filter(({ found }) => !found.some(({ value }) => Number.isFinite(Number(value[1]))));
        return empty.length === 0;
      },
      { timeoutMs: 120_000, intervalMs: 500 },
    ).catch(() => undefined);
    t.same(empty, [], 'no query is without data');

    for (const { alert, expr } of alerts) await t.resolves(query(expr), alert);
    await waitUntil('every alert has been evaluated', async () => {
      const health = await ruleHealth();
      return alerts.every(({ alert }) => health.get(alert) === 'ok');
    });
    const firing = (await query('ALERTS{alertstate="firing"}')).length;
    t.equal(firing, 0, 'no alert fires on a healthy system');
  },
);

/** Two devices that write concurrently, one reader, one stream, and one request without a token. */
async function startTraffic(base: string) {
  const streaming = new AbortController();
  const register = async () => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${base}/api/devices`, { method: 'POST', headers, body: '{}' });
    return ((await response.json()) as { token: string }).token;
  };
  const tokens = [await register(), await register()];
  const field = `${base}/api/fields/global`;
  const headersOf = (token: string) => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json' });
  const [reader = ''] = tokens;
  void fetch(`${field}/events`, { headers: headersOf(reader), signal: streaming.signal })
    .then((stream) => stream.text())
    .catch(() => undefined); // Aborted at the end of the test.
  let counter = 0;
  return {
    stop: () => streaming.abort(),
    async send() {
      counter += 1;
      for (const [index, token] of tokens.entries()) {
        const updates = [setCell(counter, counter % 30, (index + 1) / 10)];
        await fetch(`${field}/updates`, {
          method: 'POST',
          headers: headersOf(token),
          body: JSON.stringify({ updates }),
        });
      }
      await (await fetch(field, { headers: headersOf(reader) })).text();
      await fetch(field);
    },
  };
}

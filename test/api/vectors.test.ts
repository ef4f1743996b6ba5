/** The conformance vectors, compared with a server. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { packageFile } from '../../shared/process/package-files.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import type { Scenario } from '../vectors/exchanges/scenarios.ts';
import type { LogLine } from '../vectors/fold-case.ts';
import { playScenario } from './support/play-scenario.ts';
import { withApi } from './support/with-app.ts';

const backing = await withBacking(t);
await withWorker(t, backing);
const api = await withApi(t, backing);

function readVectors<Content>(kind: string): Content {
  return JSON.parse(readFileSync(packageFile(`docs/vectors/${kind}.json`), 'utf8'));
}

for (const { name, ...scenario } of readVectors<{ scenarios: (Scenario & { name: string })[] }>('exchanges')
  .scenarios) {
  t.test(`exchanges: ${name}`, async (t) => t.same(await playScenario(api, scenario), []));
}

t.test('validation: the server refuses the same bodies at the same paths', async (t) => {
  const { cases } = readVectors<{ cases: { name: string; body: unknown; accepted?: true; wrong?: string[] }[] }>(
    'validation',
  );
  for (const [index, { name, body, accepted, wrong = [] }] of cases.entries()) {
    const token = await api.createToken({ device: `phone-${index}` });
    const answer = await api.request('/api/fields/validation/updates', { token, body });
    t.equal(answer.status, accepted ? 202 : 400, name);
    const paths = (answer.body.errors ?? []).map(({ path }: { path: string }) => path);
    t.same([...new Set(paths)], wrong, name);
  }
});

interface MergeCase {
  readonly name: string;
  readonly log: readonly LogLine[];
  readonly results: readonly {
    readonly outcome: string;
    readonly resolution?: string;
    readonly conflicts?: object[];
  }[];
  readonly state: {
    readonly particles: { readonly id: string; readonly exists: boolean }[];
    readonly cells: [number, number, number][];
  };
}

t.test('merge: the server gives every update its outcome, and has the same registers and conflicts', async (t) => {
  const { cases } = readVectors<{ cases: MergeCase[] }>('merge');
  // Tombstones are purged by maintenance, and not on request.
  const repeatable = cases.filter(({ log }) => log.every(({ sweepThrough }) => sweepThrough === undefined));
  t.ok(repeatable.length > 20);
  for (const [index, { name, log, results, state }] of repeatable.entries()) {
    const path = `/api/fields/merge-${index}`;
    const outcomes: unknown[] = [];
    for (const { device, update } of log) {
      const token = await api.createToken({ device });
      const headers = { prefer: 'wait=20' };
      const { body } = await api.request(`${path}/updates`, { token, headers, body: { updates: [update] } });
      const { outcome, resolution } = body.results[0];
      outcomes.push([outcome, resolution]);
    }
    t.same(
      outcomes,
      results.map(({ outcome, resolution }) => [outcome, resolution]),
      name,
    );
    const token = await api.createToken();
    const { body: read } = await api.request(path, { token });
    t.same(read.cells, Object.fromEntries(state.cells.map(([x, y, value]) => [`${x},${y}`, value])), name);
    const ids = read.memoryParticles.map(({ id }: { id: string }) => id);
    const existing = state.particles.filter(({ exists }) => exists).map(({ id }) => id);
    t.same(ids, existing, name);
    const { body: found } = await api.request(`${path}/conflicts`, { token });
    const conflicts = results.flatMap((result) => result.conflicts ?? []).toReversed();
    const withoutTime = (conflict: object) => ({ ...conflict, time: undefined });
    t.same(found.conflicts.map(withoutTime), conflicts.map(withoutTime), name);
  }
});

/** `npm run test:fuzz -- --costs`: what the most expensive requests cost an API of its own, and whether refusals are cheap. */
import { type BenchStack, startBenchStack } from '../../../bench/stack/bench-stack.ts';
import { jwtSecret } from '../../../bench/stack/settings.ts';
import { renderTable } from '../../../cli/output/render-table.ts';
import { signToken } from '../../../shared/auth/jwt.ts';
import type { Scope } from '../../../shared/contract/token.ts';
import type { DeviceId } from '../../../shared/field/ids.ts';
import { postUpdates } from '../../faults/devices/post-updates.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { seededRandom } from '../../unit/field/support/seeded-random.ts';
import { encode } from '../kinds/encode.ts';
import { largestBodies } from '../kinds/expensive-input.ts';
import { attacks, type CostAttack, type Targets } from './attacks.ts';
import { type Cost, judgeCost } from './judge-cost.ts';
import { randomBody } from './random-bodies.ts';
import { type Sent, sendAttack } from './send-attack.ts';

const repetitions = 10;
const randomBodies = 60;
const password = 'a password that nobody guesses';
const settings = {
  ...{ NODE_ENV: 'production', OPEN_REGISTRATION: 'false', ADMIN_PASSWORD: password },
  ...{ LIMIT_UPDATES: '0', LIMIT_READS: '0', LIMIT_STREAMS: '0', LIMIT_NEW_STREAMS: '0', LIMIT_FAILED_LOGINS: '0' },
};

interface Row extends Cost {
  readonly attack: CostAttack;
  readonly answer: string;
  readonly otherMs: number;
  /** The longest time in ms that the event loop of the API was held up, to about 2 ms. Busy cores make it longer. */
  readonly longestTurnMs: number;
}

/** @returns the exit code */
export async function measureCosts(seed: number, printLine: (line: string) => void): Promise<number> {
  const stack = await startBenchStack({ printLine, profileFolder: undefined, env: settings });
  try {
    const [address = ''] = stack.addresses;
    const targets = await createTargets();
    await fillLargeField(address, targets);
    const rows: Row[] = [];
    for (const attack of attacks) rows.push(await measure(stack, attack, targets));
    const random = seededRandom(seed);
    for (let index = 0; index < randomBodies; index++)
      rows.push(await measure(stack, toAttack(randomBody(random), index), targets, 1));
    const valid = rows.filter(({ attack }) => attack.client === 'writer' && !attack.isRefused);
    const validMs = Math.min(...valid.map(({ cpuMs }) => cpuMs));
    const shown = rows.slice(0, attacks.length).sort((a, b) => b.cpuMs - a.cpuMs);
    printLine(
      renderTable([
        ['client', 'request', 'answer', 'API ms', 'longest turn', 'other ms', 'kB in', 'kB out'],
        ...shown.map(toCells),
      ]),
    );
    const slowest = Math.max(...rows.slice(attacks.length).map(({ cpuMs }) => cpuMs));
    printLine(
      `\nrandom bodies (seed ${seed}): ${randomBodies}, ${slowest} ms of CPU at most; a valid megabyte takes ${validMs} ms or more`,
    );
    const violations = rows.flatMap(({ attack, ...cost }) =>
      judgeCost(cost, attack.isRefused, validMs).map((violation) => `${attack.client}: ${attack.name} ${violation}`),
    );
    for (const violation of violations) printLine(`FAILED ${violation}`);
    printLine(violations.length === 0 ? 'all refusals are cheap' : `FAILED; --seed ${seed} repeats the random bodies`);
    return violations.length === 0 ? 0 : 1;
  } finally {
    await stack.stop();
  }
}

async function measure(stack: BenchStack, attack: CostAttack, targets: Targets, times = repetitions): Promise<Row> {
  const [address = ''] = stack.addresses;
  // The first one may compile code.
  const attackOnce = async (index: number) => {
    if (attack.followsWrite) await writeToLargeField(address, targets);
    return sendAttack(address, attack, targets, index);
  };
  if (times > 1) await attackOnce(0);
  await readLongestTurnMs(address);
  const before = stack.usage.readCpuMs();
  const sent: Sent[] = [];
  for (let index = 1; index <= times; index++) sent.push(await attackOnce(index));
  const after = stack.usage.readCpuMs();
  const longestTurnMs = await readLongestTurnMs(address);
  const total = (key: 'count' | 'bytesIn' | 'bytesOut') => sent.reduce((sum, each) => sum + each[key], 0);
  const used = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  const count = total('count');
  const others = ['PostgreSQL', 'queue Redis', 'cache Redis', 'worker 1'].reduce((sum, name) => sum + used(name), 0);
  return {
    ...{ attack, longestTurnMs, cpuMs: used('API 1') / count, otherMs: others / count, answer: sent[0]?.answer ?? '' },
    ...{ bytesIn: total('bytesIn') / count, bytesOut: total('bytesOut') / count },
  };
}

/** How often the histogram of the event loop's delay takes a sample, in ms; each is the delay and this. */
const samplingMs = 10;

/** The longest since it was last read. */
async function readLongestTurnMs(address: string): Promise<number> {
  const authorization = `Basic ${Buffer.from(`operator:${password}`).toString('base64')}`;
  const text = await (await fetch(`${address}/metrics`, { headers: { authorization } })).text();
  const seconds = Number(/^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(text)?.[1]);
  return Math.max(0, 1000 * seconds - samplingMs);
}

const toAttack = (body: string, index: number): CostAttack => ({
  ...{ name: `random body ${index}`, client: 'writer', isRefused: true },
  make: ({ writer, smallField }) => ({
    http: encode({ path: `/api/fields/${smallField}/updates`, token: writer, body }),
  }),
});

function toCells({ attack, answer, cpuMs, longestTurnMs, otherMs, bytesIn, bytesOut }: Row): string[] {
  const kb = (bytes: number) => (bytes / 1024).toFixed(1);
  const ms = [cpuMs, longestTurnMs, otherMs].map((value) => value.toFixed(0));
  return [attack.client, attack.name, answer, ...ms, kb(bytesIn), kb(bytesOut)];
}

async function createTargets(): Promise<Targets> {
  const name = 'consciousness-field';
  const key = { secret: jwtSecret, issuer: name, audience: name };
  const sign = async (device: string, scope: Scope[]) =>
    (await signToken({ sub: device, device: device as DeviceId, fields: ['*'], scope, expiresInSeconds: 7200 }, key))
      .token;
  return {
    ...{ writer: await sign('writer', ['field:read', 'field:write']), reader: await sign('reader', ['field:read']) },
    ...{ operatorPassword: password, largeField: 'large', smallField: 'small' },
  };
}

let writes = 0;

/** Resolves when the update is applied. */
async function writeToLargeField(address: string, { writer, largeField }: Targets): Promise<void> {
  const cells = [{ x: 0, y: 0, value: (writes++ % 100) / 100 }];
  const response = await fetch(`${address}/api/fields/${largeField}/updates`, {
    method: 'POST',
    headers: { authorization: `Bearer ${writer}`, 'content-type': 'application/json', prefer: 'wait=30' },
    body: JSON.stringify({ updates: [{ counter: 10_000 + writes, timestamp: writes, kind: 'cells.set', cells }] }),
  });
  if (response.status !== 200) throw new Error(`the update was answered with ${response.status}`);
}

/** A thousand particles of the largest size, and every cell. */
async function fillLargeField(address: string, { writer, largeField }: Targets): Promise<void> {
  let counter = 0;
  for (let batch = 0; batch < 4; batch++) {
    const { updates } = JSON.parse(largestBodies.particles ?? '') as { updates: { id: string }[] };
    const numbered = updates
      .slice(0, 250)
      .map((update) => ({ ...update, id: `${update.id}-${batch}`, counter: ++counter }));
    await postUpdates({ address, field: largeField as never, token: writer, updates: numbered as never });
  }
  const { updates } = JSON.parse(largestBodies.cells ?? '');
  await postUpdates({
    address,
    field: largeField as never,
    token: writer,
    updates: [{ ...updates[0], counter: ++counter }] as never,
  });
  await waitUntil('the large field is applied', async () => {
    const response = await fetch(`${address}/api/fields/${largeField}?view=summary`, {
      headers: { authorization: `Bearer ${writer}` },
    });
    return response.ok && ((await response.json()) as { version: number }).version === counter;
  });
}

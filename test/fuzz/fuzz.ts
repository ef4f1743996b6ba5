/** One run: a stack of real processes, lanes that send what is bad, a client that is good, and what held in the end. */
import { startBenchStack } from '../../bench/stack/bench-stack.ts';
import { jwtSecret } from '../../bench/stack/settings.ts';
import { startProgress } from '../../cli/output/progress.ts';
import { signToken } from '../../shared/auth/jwt.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { seededRandom } from '../unit/field/support/seeded-random.ts';
import type { Attacker, Kind } from './attempt.ts';
import { checkFields, checkLogs, checkMemory, memoryOf, toMb, watched } from './checks.ts';
import { chooseKinds, pickKind } from './kinds/kinds.ts';
import type { Options } from './options.ts';
import { sendFrames } from './send/send-frames.ts';
import { HttpLane } from './send/send-http.ts';
import { sendMessages } from './send/send-messages.ts';
import { Tally } from './tally.ts';
import { ValidClient } from './valid-client.ts';

type Say = (line: string) => void;

/** At once, each with one request at a time. */
const lanes = 24;
const attackedFields = 8;
const validField = 'valid' as FieldId;
/** Off, so that they do not hide what is behind them; all but that of registrations, which is to be met. */
const settings = {
  NODE_ENV: 'production',
  OPEN_REGISTRATION: 'true',
  ADMIN_PASSWORD: 'a password that nobody guesses',
  LIMIT_UPDATES: '0',
  LIMIT_READS: '0',
  LIMIT_STREAMS: '0',
  LIMIT_NEW_STREAMS: '0',
  LIMIT_FAILED_LOGINS: '0',
  LIMIT_REGISTRATIONS: '3',
  LIMIT_WINDOW_SECONDS: '3600',
};

/** @returns the exit code */
export async function fuzz(options: Options, say: Say, signal: AbortSignal): Promise<number> {
  const kinds = chooseKinds(options.kind);
  say(`seed ${options.seed}: ${options.requests} requests of ${kinds.length} kinds`);
  const stack = await startBenchStack({ say, profileFolder: undefined, env: settings });
  try {
    const [address = ''] = stack.addresses;
    const tally = new Tally();
    const accuse = (violation: string) => tally.accuse(violation);
    const client = new ValidClient({
      address,
      field: validField,
      token: await makeToken('phone-1', validField),
      accuse,
    });
    const before = memoryOf(stack);
    const startedAt = performance.now();
    await sendAll({ options, kinds, address, token: await makeToken('attacker', 'fuzz-*'), tally, signal });
    const seconds = (performance.now() - startedAt) / 1000;
    await client.finish();
    const after = await checkMemory(stack, before, accuse);
    await checkFields(stack, validField, accuse);
    const verified = await stack.verify().catch((error: unknown) => accuse(String(error)));
    const logLines = checkLogs(stack, accuse);
    if (!options.kind && tally.count('429') === 0) accuse('no limit was met');

    say(renderTable([['kind', 'sent', 'answers'], ...tally.rows()]));
    say(`\n${tally.sent} sent in ${seconds.toFixed(1)} s, ${stack.addresses.length} API, 1 worker`);
    say(`valid updates meanwhile: ${client.sent} sent, accepted within ${Math.round(client.slowestMs)} ms at the most`);
    const peaks = stack.usage.peaks();
    watched.forEach((name, index) => {
      const [first, peak, last] = [before[index] ?? 0, peaks.get(name) ?? 0, after[index] ?? 0];
      say(`${name}: ${toMb(first)} before, ${toMb(peak)} at the most, ${toMb(last)} after`);
    });
    say(`${logLines} lines of log; field verify: ${verified ?? 'FAILED'}`);
    for (const violation of tally.violations) say(`FAILED ${violation}`);
    say(tally.violations.length === 0 ? 'everything held' : `FAILED; --seed ${options.seed} repeats the requests`);
    return tally.violations.length === 0 && !signal.aborted ? 0 : 1;
  } finally {
    await stack.stop();
  }
}

async function makeToken(device: string, fields: string): Promise<string> {
  const name = 'consciousness-field';
  const request = { sub: device, device: device as DeviceId, fields: [fields], expiresInSeconds: 7200 };
  const key = { secret: jwtSecret, issuer: name, audience: name };
  return (await signToken({ ...request, scope: ['field:read', 'field:write'] }, key)).token;
}

interface SendRequest {
  readonly options: Options;
  readonly kinds: readonly Kind[];
  readonly address: string;
  readonly token: string;
  readonly tally: Tally;
  readonly signal: AbortSignal;
}

async function sendAll({ options, kinds, address, token, tally, signal }: SendRequest): Promise<void> {
  const deadline = Date.now() + options.seconds * 1000;
  const progress = startProgress(process.stderr);
  let index = 0;
  const hasMore = () => tally.sent < options.requests && Date.now() < deadline && !signal.aborted;
  const runLane = async () => {
    const lane = new HttpLane(address);
    while (hasMore()) {
      const number = ++index;
      // Each request by its number, whichever lane sends it.
      const random = seededRandom(options.seed + Math.imul(number, 0x9e3779b1));
      const kind = pickKind(random, kinds);
      const attacker = { token, secret: jwtSecret, field: `fuzz-${random.below(attackedFields)}` };
      const attempt = kind.make(random, attacker);
      const request = `request ${number} (${kind.name})`;
      try {
        await sendOne({ lane, address, attacker, attempt, kind, request, tally });
      } catch (error) {
        tally.accuse(`${request}: ${String(error)}`);
      }
      progress.show({ done: tally.sent, total: options.requests, text: `${tally.sent} of ${options.requests} sent` });
    }
    lane.close();
  };
  try {
    await Promise.all(Array.from({ length: lanes }, runLane));
  } finally {
    progress.stop();
  }
}

interface OneRequest {
  readonly lane: HttpLane;
  readonly address: string;
  readonly attacker: Attacker;
  readonly attempt: ReturnType<Kind['make']>;
  readonly kind: Kind;
  readonly request: string;
  readonly tally: Tally;
}

async function sendOne({ lane, address, attacker, attempt, kind, request, tally }: OneRequest): Promise<void> {
  if (attempt.way === 'http') {
    tally.noteHttp(kind, request, await lane.send(attempt), attempt.mayBeCut ?? false);
  } else if (attempt.way === 'messages') {
    tally.noteMessages(kind, request, await sendMessages(address, attacker, attempt));
  } else {
    tally.noteMessages(kind, request, [{ closed: await sendFrames(address, attacker, attempt) }]);
  }
}

function renderTable(rows: readonly (readonly string[])[]): string {
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = ([kind = '', sent = '', answers = '']: readonly string[]) =>
    `${kind.padEnd(widths[0] ?? 0)}  ${sent.padStart(widths[1] ?? 0)}  ${answers}`;
  return rows.map(line).join('\n');
}

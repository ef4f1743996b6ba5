/** One run: a stack of real processes, concurrent senders of invalid input, one valid client, and the checks at the end. */
import { startBenchStack } from '../../bench/stack/bench-stack.ts';
import { jwtSecret } from '../../bench/stack/settings.ts';
import { startProgress } from '../../cli/output/progress.ts';
import { renderTable } from '../../cli/output/render-table.ts';
import { signToken } from '../../shared/auth/jwt.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { seededRandom } from '../unit/field/support/seeded-random.ts';
import type { Attacker, Kind } from './attempt.ts';
import { checkFields, checkLogs, checkMemory, formatMb, processNames, readMemory } from './checks.ts';
import { chooseKinds, pickKind } from './kinds/kinds.ts';
import type { FuzzOptions } from './options.ts';
import { ResponseCounts } from './response-counts.ts';
import { HttpSender } from './send/http-sender.ts';
import { sendFrames } from './send/send-frames.ts';
import { sendMessages } from './send/send-messages.ts';
import { ValidClient } from './valid-client.ts';

type PrintLine = (line: string) => void;

/** Number of senders, each with one request at a time. */
const concurrency = 24;
const attackedFields = 8;
const validField = 'valid' as FieldId;
/** Rate limits are off so that requests reach the code behind them, except for registrations, whose limit is tested. */
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
export async function fuzz(options: FuzzOptions, printLine: PrintLine, signal: AbortSignal): Promise<number> {
  const kinds = chooseKinds(options.kind);
  printLine(`seed ${options.seed}: ${options.requests} requests of ${kinds.length} kinds`);
  const stack = await startBenchStack({ printLine, profileFolder: undefined, env: settings });
  try {
    const [address = ''] = stack.addresses;
    const counts = new ResponseCounts();
    const reportViolation = (violation: string) => counts.addViolation(violation);
    const client = new ValidClient({
      address,
      field: validField,
      token: await createToken('phone-1', validField),
      reportViolation,
    });
    const before = readMemory(stack);
    const startedAt = performance.now();
    await sendAll({ options, kinds, address, token: await createToken('attacker', 'fuzz-*'), counts, signal });
    const seconds = (performance.now() - startedAt) / 1000;
    await client.finish();
    const after = await checkMemory(stack, before, reportViolation);
    await checkFields(stack, validField, reportViolation);
    const verified = await stack.verify().catch((error: unknown) => reportViolation(String(error)));
    const logLines = checkLogs(stack, reportViolation);
    if (!options.kind && counts.countResponses('429') === 0)
      reportViolation('the registration limit was never reached');

    printLine(renderTable([['kind', 'sent', 'responses'], ...counts.toRows()]));
    printLine(`\n${counts.sent} sent in ${seconds.toFixed(1)} s, ${stack.addresses.length} API, 1 worker`);
    printLine(
      `valid updates meanwhile: ${client.sent} sent, accepted within at most ${Math.round(client.slowestMs)} ms`,
    );
    const peaks = stack.usage.readPeaks();
    processNames.forEach((name, index) => {
      const [first, peak, last] = [before[index] ?? 0, peaks.get(name) ?? 0, after[index] ?? 0];
      printLine(`${name}: ${formatMb(first)} before, ${formatMb(peak)} peak, ${formatMb(last)} after`);
    });
    printLine(`${logLines} log lines; field verify: ${verified ?? 'FAILED'}`);
    for (const violation of counts.violations) printLine(`FAILED ${violation}`);
    printLine(
      counts.violations.length === 0 ? 'all checks passed' : `FAILED; --seed ${options.seed} repeats the requests`,
    );
    return counts.violations.length === 0 && !signal.aborted ? 0 : 1;
  } finally {
    await stack.stop();
  }
}

async function createToken(device: string, fields: string): Promise<string> {
  const name = 'consciousness-field';
  const request = { sub: device, device: device as DeviceId, fields: [fields], expiresInSeconds: 7200 };
  const key = { secret: jwtSecret, issuer: name, audience: name };
  return (await signToken({ ...request, scope: ['field:read', 'field:write'] }, key)).token;
}

interface SendAllDeps {
  readonly options: FuzzOptions;
  readonly kinds: readonly Kind[];
  readonly address: string;
  readonly token: string;
  readonly counts: ResponseCounts;
  readonly signal: AbortSignal;
}

async function sendAll({ options, kinds, address, token, counts, signal }: SendAllDeps): Promise<void> {
  const deadline = Date.now() + options.seconds * 1000;
  const progress = startProgress(process.stderr);
  let index = 0;
  const hasMore = () => counts.sent < options.requests && Date.now() < deadline && !signal.aborted;
  const runSender = async () => {
    const sender = new HttpSender(address);
    while (hasMore()) {
      const number = ++index;
      // Seeded by the request's number, so that it does not depend on which sender takes it.
      const random = seededRandom(options.seed + Math.imul(number, 0x9e3779b1));
      const kind = pickKind(random, kinds);
      const attacker = { token, secret: jwtSecret, field: `fuzz-${random.below(attackedFields)}` };
      const attempt = kind.make(random, attacker);
      const request = `request ${number} (${kind.name})`;
      try {
        await sendOne({ sender, address, attacker, attempt, kind, request, counts });
      } catch (error) {
        counts.addViolation(`${request}: ${String(error)}`);
      }
      progress.show({ done: counts.sent, total: options.requests, text: `${counts.sent} of ${options.requests} sent` });
    }
    sender.close();
  };
  try {
    await Promise.all(Array.from({ length: concurrency }, runSender));
  } finally {
    progress.stop();
  }
}

interface SendOneDeps {
  readonly sender: HttpSender;
  readonly address: string;
  readonly attacker: Attacker;
  readonly attempt: ReturnType<Kind['make']>;
  readonly kind: Kind;
  readonly request: string;
  readonly counts: ResponseCounts;
}

async function sendOne({ sender, address, attacker, attempt, kind, request, counts }: SendOneDeps): Promise<void> {
  if (attempt.transport === 'http') {
    counts.recordHttp(kind, request, await sender.send(attempt), attempt.mayBeCut ?? false);
  } else if (attempt.transport === 'messages') {
    counts.recordMessages(kind, request, await sendMessages(address, attacker, attempt));
  } else {
    counts.recordMessages(kind, request, [{ closed: await sendFrames(address, attacker, attempt) }]);
  }
}

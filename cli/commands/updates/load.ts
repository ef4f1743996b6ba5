/** `field load`: made-up devices against a running stack, and the proof that nothing was lost or doubled. */
import { setMaxListeners } from 'node:events';
import type { Command } from 'commander';
import { fieldIdSchema } from '../../../shared/contract/ids.ts';
import { maxUpdatesPerRequest } from '../../../shared/contract/wire.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { onShutdownSignals } from '../../../shared/process/shutdown-signals.ts';
import { CliError, exitCodes } from '../../errors/cli-error.ts';
import { integerBetween, parseField, parseUrl } from '../../input/parse-arguments.ts';
import { collectSettings, readSettings } from '../../input/read-settings.ts';
import { createTokenSource } from '../../load/create-devices.ts';
import type { LoadProgress } from '../../load/load-plan.ts';
import { renderReport } from '../../load/render-report.ts';
import { runLoad } from '../../load/run-load.ts';
import { startProgress } from '../../output/progress.ts';

const help = `
Each device sends its batches one after the other, and each until it is accepted. In the end all that was accepted is
waited for and looked for in the log. Times are taken from when a batch was due.

Exit code 1 means that something accepted was lost or doubled, or that nothing was accepted.

Examples:
  $ npx consciousness-field load --seconds 20
  $ npx consciousness-field load --rate 500 --devices 100 --watchers 50 --fields 4`;

interface Options {
  url?: string;
  field: FieldId;
  fields: number;
  devices: number;
  watchers: number;
  batch: number;
  rate?: number;
  seconds: number;
  twice: number;
  yesNotLoopback?: boolean;
  json?: boolean;
}

export function addLoadCommand(program: Command): void {
  program
    .command('load')
    .description('Puts a load on a running stack through its API, and proves that nothing was lost or doubled.')
    .option('--url <url>', 'the API (default: that of a running `npm start`)', parseUrl)
    .option('--field <id>', 'the field; with --fields, what their names begin with', parseField, 'load' as FieldId)
    .option('--fields <number>', 'how many fields', integerBetween(1, 100), 1)
    .option('--devices <number>', 'devices that send', integerBetween(1, 2000), 50)
    .option('--watchers <number>', 'WebSockets that look on', integerBetween(0, 2000), 2)
    .option('--batch <number>', 'updates in a request', integerBetween(1, maxUpdatesPerRequest), 1)
    .option(
      '--rate <number>',
      'updates a second in all (default: as fast as they are accepted)',
      integerBetween(1, 1e6),
    )
    .option('--seconds <number>', 'how long', integerBetween(1, 3600), 10)
    .option('--twice <percent>', 'how many batches are sent again although accepted', integerBetween(0, 100), 5)
    .option('--yes-not-loopback', 'allows an address that is not on this machine')
    .option('--json', 'prints the report as JSON')
    .addHelpText('after', help)
    .action(run);
}

async function run(options: Options): Promise<void> {
  const rawSettings = collectSettings(process.env);
  const url = options.url ?? rawSettings.API_URL;
  if (!url) throw new CliError('usage', 'Which stack? Start one with `npm start`, or name one with --url.');
  if (!isLoopback(url) && !options.yesNotLoopback) {
    throw new CliError('usage', `${url} is not on this machine: a load may take it down.`, {
      hint: 'If that is what you want, say it with --yes-not-loopback.',
    });
  }
  const fields = expandFields(options);
  const createDevices = await createTokenSource({ url, fields, key: readSigningKey() });
  const stopping = new AbortController();
  // All devices wait on it.
  setMaxListeners(0, stopping.signal);
  const progress = startProgress(process.stderr);
  onShutdownSignals(
    () => stopping.abort(),
    () => process.exit(exitCodes.stopped),
  );
  const report = await runLoad({
    ...options,
    url,
    fields,
    rate: options.rate,
    resendPercent: options.twice,
    devices: await createDevices(options.devices),
    watchers: await createDevices(options.watchers),
    signal: stopping.signal,
    onProgress: (state) =>
      progress.show({ done: Math.floor(state.fraction * 1000), total: 1000, text: describe(state) }),
  }).finally(() => progress.stop());
  console.log(options.json ? JSON.stringify({ url, fields, ...report }) : renderReport(report));
  if (report.lost > 0 || report.doubled > 0 || report.accepted === 0) process.exitCode = exitCodes.no;
  else if (stopping.signal.aborted) process.exitCode = exitCodes.stopped;
}

function isLoopback(url: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname);
}

function expandFields({ field, fields }: Options): FieldId[] {
  if (fields === 1) return [field];
  return Array.from({ length: fields }, (_, index) => fieldIdSchema.parse(`${field.slice(0, 60)}-${index + 1}`));
}

function readSigningKey() {
  const settings = readSettings(['JWT_SECRET', 'JWT_ISSUER', 'JWT_AUDIENCE'], process.env);
  const { JWT_SECRET: secret, JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = settings;
  return secret ? { secret, issuer, audience } : undefined;
}

function describe({ phase, accepted, applied }: LoadProgress): string {
  return phase === 'sending' ? `${accepted} accepted` : `${applied} of ${accepted} applied`;
}

/** `load`: generates load on a running stack and checks that nothing was lost or duplicated. */
import { setMaxListeners } from 'node:events';
import { fieldIdSchema } from '../../../shared/contract/ids.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { CliError } from '../../errors/cli-error.ts';
import { collectSettings, readSettings } from '../../input/read-settings.ts';
import { createTokenSource } from '../../load/create-devices.ts';
import type { LoadProgress } from '../../load/load-plan.ts';
import { renderReport } from '../../load/render-report.ts';
import { runLoad } from '../../load/run-load.ts';
import { startProgress } from '../../output/progress.ts';

export interface LoadOptions {
  readonly url?: string;
  readonly field: FieldId;
  readonly fields: number;
  readonly devices: number;
  readonly watchers: number;
  readonly batch: number;
  readonly rate?: number;
  readonly seconds: number;
  readonly twice: number;
  readonly yesNotLoopback?: boolean;
  readonly json?: boolean;
}

export async function generateLoad(options: LoadOptions, context: CommandContext): Promise<void> {
  const url = chooseUrl(options, context);
  const fields = expandFields(options);
  const createDevices = await createTokenSource({ url, fields, key: readSigningKey(context) });
  const devices = await createDevices(options.devices);
  const watchers = await createDevices(options.watchers);
  const signal = context.catchShutdownSignals();
  // Every device adds a listener to it.
  setMaxListeners(0, signal);
  const progress = startProgress(context.stderr);
  const onProgress = (state: LoadProgress) =>
    progress.show({ done: Math.floor(state.fraction * 1000), total: 1000, text: describeProgress(state) });
  const { batch, rate, seconds, twice: resendPercent } = options;
  const plan = { url, fields, devices, watchers, batch, rate, seconds, resendPercent, signal, onProgress };
  const report = await runLoad(plan).finally(() => progress.stop());
  context.print(options.json ? JSON.stringify({ url, fields, ...report }) : renderReport(report));
  if (report.lost > 0 || report.doubled > 0 || report.accepted === 0) context.setExitCode('negative');
  else if (signal.aborted) context.setExitCode('stopped');
}

/** @throws CliError `usage` */
function chooseUrl({ url: requested, yesNotLoopback }: LoadOptions, context: CommandContext): string {
  const url = requested ?? collectSettings(context).API_URL;
  if (!url) throw new CliError('usage', 'No stack to load: start one with `npm start`, or specify one with --url.');
  if (isLoopback(url) || yesNotLoopback) return url;
  throw new CliError('usage', `${url} is not on this machine, and load can make it unavailable.`, {
    hint: 'Add --yes-not-loopback to load it nevertheless.',
  });
}

function isLoopback(url: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname);
}

function expandFields({ field, fields }: LoadOptions): FieldId[] {
  if (fields === 1) return [field];
  return Array.from({ length: fields }, (_, index) => fieldIdSchema.parse(`${field.slice(0, 60)}-${index + 1}`));
}

function readSigningKey(context: CommandContext) {
  const settings = readSettings(['JWT_SECRET', 'JWT_ISSUER', 'JWT_AUDIENCE'], context);
  const { JWT_SECRET: secret, JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = settings;
  return secret ? { secret, issuer, audience } : undefined;
}

function describeProgress({ phase, accepted, applied }: LoadProgress): string {
  return phase === 'sending' ? `${accepted} accepted` : `${applied} of ${accepted} applied`;
}

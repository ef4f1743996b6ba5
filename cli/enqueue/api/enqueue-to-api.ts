/** Sets up a run of `enqueue --api`. It needs neither the queue nor the database, and has no record for `runs`. */
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { CliError } from '../../errors/cli-error.ts';
import type { EnqueueCounts } from '../counts.ts';
import { abortAfter, shutdownGraceMs } from '../enqueue-inputs.ts';
import { ExportedOrder } from '../exported-order.ts';
import type { LineReport } from '../input/line-report.ts';
import type { LineInput } from '../input/open-inputs.ts';
import { createLineParser } from '../input/parse-line.ts';
import type { readRecordMap } from '../input/read-record-map.ts';
import type { ReadRecords } from '../input/read-records.ts';
import { Pace } from '../pace.ts';
import { type HeldParticles, WrittenParticles } from '../written-particles.ts';
import { ApiSession } from './api-session.ts';
import { readDeviceTokens } from './read-device-tokens.ts';
import { sendToApi } from './send-to-api.ts';

/** The largest possible grid. The API checks updates against its actual one. */
const gridSize = 1000;

export interface ApiRunOptions {
  readonly api: string;
  readonly tokenFile?: string;
  readonly field: FieldId;
  readonly device?: DeviceId;
  readonly batch: number;
  readonly keepOrder?: boolean;
  readonly priority: 'low' | 'normal';
  readonly rate?: number;
  readonly wait: boolean;
}

interface ApiRunDeps {
  readonly inputs: readonly LineInput[];
  readonly readRecords: ReadRecords;
  readonly map: ReturnType<typeof readRecordMap>;
  readonly context: CommandContext;
  readonly counts: EnqueueCounts;
  readonly report: LineReport;
  readonly printLine: (line: string) => void;
  readonly signal: AbortSignal;
}

interface ApiRunOutcome {
  readonly complete: boolean;
  readonly version?: number;
  readonly particles?: HeldParticles | undefined;
}

/** @throws CliError as `sendToApi` and `readDeviceTokens` */
export async function enqueueToApi(options: ApiRunOptions, deps: ApiRunDeps): Promise<ApiRunOutcome> {
  const { api: url, field, wait, rate = Number.POSITIVE_INFINITY, keepOrder: keepsOrder = false } = options;
  const { context, printLine, signal, ...inputDeps } = deps;
  const tokens = await readDeviceTokens(options.tokenFile, context);
  const [[onlyDevice, anyToken] = [undefined, '']] = tokens;
  const device = options.device ?? (tokens.size === 1 ? onlyDevice : undefined);
  if (device !== undefined && !tokens.has(device)) {
    throw new CliError('usage', `There is no token for ${device}, and a device writes only as itself.`, {
      hint: `Make one with: npx consciousness-field token --device ${device}`,
    });
  }
  const gracePeriod = abortAfter(signal, shutdownGraceMs);
  const isLowPriority = options.priority === 'low';
  const session = new ApiSession({
    url,
    field,
    isLowPriority,
    wait,
    printLine,
    signal,
    abortSignal: gracePeriod.signal,
  });
  const written = new WrittenParticles();
  const order = new ExportedOrder(async () => (await session.readField(anyToken))?.version ?? 0, printLine);
  let version: number | undefined;
  try {
    const complete = await sendToApi({
      ...{ ...inputDeps, printLine, signal, session, tokens, order, written, wait, keepsOrder },
      parse: createLineParser({ gridSize, device, map: deps.map }),
      batch: Math.min(options.batch, rate),
      pace: new Pace(rate),
      onVersion: (newest) => {
        version = newest;
      },
    });
    if (!complete || !wait) return { complete, ...(version === undefined ? {} : { version }) };
    const found = await session.readField(anyToken);
    const latest = found?.version ?? version;
    return {
      complete,
      ...(latest === undefined ? {} : { version: latest }),
      particles: found && written.compare(found.particles),
    };
  } catch (error) {
    // The request in flight was aborted after a signal.
    if (gracePeriod.signal.aborted) return { complete: false, ...(version === undefined ? {} : { version }) };
    throw error;
  } finally {
    gracePeriod.cancel();
  }
}

/**
 * Runs a load on a stack, over HTTP only: simulated devices send, watchers subscribe, and at the end every accepted update
 * must be in the log exactly once.
 */
import type { FieldId } from '../../shared/field/ids.ts';
import { createLoadCounts, type LoadCounts } from './counts.ts';
import type { LatencySummary } from './latencies.ts';
import type { LoadPlan } from './load-plan.ts';
import { runSender, type Sender } from './sender.ts';
import { readVersion, verifyLog, waitUntilApplied } from './verify-log.ts';
import { type WatchFieldOptions, watchField } from './watcher.ts';

const progressMs = 200;

export interface LoadReport {
  readonly accepted: number;
  readonly applied: number;
  readonly lost: number;
  readonly doubled: number;
  readonly sentTwice: number;
  /** Rejected requests, by the code of the problem. */
  readonly refused: Readonly<Record<string, number>>;
  readonly unanswered: number;
  readonly devicesThatGaveUp: number;
  readonly acceptMs: LatencySummary | undefined;
  readonly deltaMs: LatencySummary | undefined;
  /** From the first request until all updates were applied. */
  readonly seconds: number;
  readonly updatesPerSecond: number;
}

/** @throws CliError `unreachable` when the API cannot be reached at the start, or stays unreachable at the end */
export async function runLoad(plan: LoadPlan): Promise<LoadReport> {
  const counts = createLoadCounts();
  const senders = plan.devices.map<Sender>((credentials, index) => ({
    credentials,
    field: fieldOf(plan, index),
    accepted: 0,
    dueAt: [],
  }));
  const fields = await Promise.all(plan.fields.map((field) => openField(plan, field, senders)));
  const stops = await watchAll(plan, senders, counts);
  const startsAt = performance.now();
  try {
    await sendAll(plan, senders, counts, startsAt);
    await waitUntilAllApplied(plan, fields, counts);
  } finally {
    for (const stop of stops) stop();
  }
  const seconds = (performance.now() - startsAt) / 1000;
  const verifications = await Promise.all(fields.map(verifyLog));
  const sum = (name: 'applied' | 'lost' | 'doubled') => verifications.reduce((total, one) => total + one[name], 0);
  return {
    accepted: counts.accepted,
    applied: sum('applied'),
    lost: sum('lost'),
    doubled: sum('doubled'),
    sentTwice: counts.sentTwice,
    refused: Object.fromEntries(counts.refused),
    unanswered: counts.unanswered,
    devicesThatGaveUp: counts.gaveUp,
    acceptMs: counts.accept.summarise(),
    deltaMs: counts.deltas.summarise(),
    seconds: Math.round(seconds * 10) / 10,
    updatesPerSecond: Math.round(sum('applied') / seconds),
  };
}

function fieldOf({ fields }: LoadPlan, index: number): FieldId {
  const field = fields[index % fields.length];
  if (!field) throw new RangeError('a load needs a field');
  return field;
}

async function openField({ url }: LoadPlan, field: FieldId, all: readonly Sender[]) {
  const senders = all.filter((sender) => sender.field === field);
  const [first] = senders;
  return { url, field, senders, after: first ? await readVersion(url, field, first) : 0 };
}

async function watchAll(plan: LoadPlan, senders: readonly Sender[], counts: LoadCounts): Promise<(() => void)[]> {
  const byDevice = new Map<string, Sender>(senders.map((sender) => [sender.credentials.deviceId, sender]));
  const onUpdates: WatchFieldOptions['onUpdates'] = (updates) => {
    for (const { device, counter } of updates) {
      const due = byDevice.get(device)?.dueAt[Math.floor((counter - 1) / plan.batch)];
      if (due !== undefined) counts.deltas.record(performance.now() - due);
    }
  };
  return Promise.all(
    plan.watchers.map(({ token }, index) =>
      watchField({ url: plan.url, field: fieldOf(plan, index), token, onUpdates }),
    ),
  );
}

async function sendAll(
  plan: LoadPlan,
  senders: readonly Sender[],
  counts: LoadCounts,
  startsAt: number,
): Promise<void> {
  const { rate, batch, seconds, onProgress } = plan;
  const endsAt = startsAt + seconds * 1000;
  const intervalMs = rate === undefined ? 0 : (1000 * batch * senders.length) / rate;
  const show = () =>
    onProgress({
      phase: 'sending',
      fraction: Math.min(1, (performance.now() - startsAt) / (endsAt - startsAt)),
      accepted: counts.accepted,
      applied: 0,
    });
  const timer = setInterval(show, progressMs);
  // Spread evenly over the interval, so that they do not all send at once.
  const startOf = (index: number) => startsAt + (index * intervalMs) / senders.length;
  await Promise.all(
    senders.map((sender, index) => runSender(sender, plan, { startsAt: startOf(index), endsAt, intervalMs }, counts)),
  ).finally(() => clearInterval(timer));
}

async function waitUntilAllApplied(
  { onProgress }: LoadPlan,
  fields: readonly LoadField[],
  { accepted }: LoadCounts,
): Promise<void> {
  const applied = new Map<FieldId, number>();
  const show = (field: FieldId, count: number) => {
    applied.set(field, count);
    const total = [...applied.values()].reduce((sum, one) => sum + one, 0);
    onProgress({ phase: 'settling', fraction: accepted === 0 ? 1 : total / accepted, accepted, applied: total });
  };
  await Promise.all(fields.map((field) => waitUntilApplied(field, (count) => show(field.field, count))));
}

type LoadField = Awaited<ReturnType<typeof openField>>;

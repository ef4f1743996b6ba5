/**
 * A load on a running stack, over HTTP alone: made-up devices that send, watchers that look on, and in the end the proof
 * that all that was accepted stands in the log, once.
 */
import type { FieldId } from '../../shared/field/ids.ts';
import { createTally, type Tally } from './counts.ts';
import type { Summary } from './latencies.ts';
import type { LoadOrder } from './load-plan.ts';
import { type Sender, send } from './sender.ts';
import { countInLog, readVersion, waitUntilApplied } from './verify-log.ts';
import { watch } from './watcher.ts';

const progressMs = 200;

export interface LoadReport {
  readonly accepted: number;
  readonly applied: number;
  readonly lost: number;
  readonly doubled: number;
  readonly sentTwice: number;
  /** Requests, by the code of the problem. */
  readonly refused: Readonly<Record<string, number>>;
  readonly unanswered: number;
  readonly devicesThatGaveUp: number;
  readonly acceptMs: Summary | undefined;
  readonly deltaMs: Summary | undefined;
  /** From the first request until all was applied. */
  readonly seconds: number;
  readonly updatesPerSecond: number;
}

/** @throws CliError `unreachable` when the API cannot be reached at the start, or stays away at the end */
export async function runLoad(order: LoadOrder): Promise<LoadReport> {
  const tally = createTally();
  const senders = order.devices.map<Sender>((credentials, index) => ({
    credentials,
    field: fieldOf(order, index),
    accepted: 0,
    dueAt: [],
  }));
  const fields = await Promise.all(order.fields.map((field) => openField(order, field, senders)));
  const stops = await watchAll(order, senders, tally);
  const startsAt = performance.now();
  try {
    await sendAll(order, senders, tally, startsAt);
    await settleAll(order, fields, tally);
  } finally {
    for (const stop of stops) stop();
  }
  const seconds = (performance.now() - startsAt) / 1000;
  const found = await Promise.all(fields.map(countInLog));
  const sum = (name: 'applied' | 'lost' | 'doubled') => found.reduce((total, one) => total + one[name], 0);
  return {
    accepted: tally.accepted,
    applied: sum('applied'),
    lost: sum('lost'),
    doubled: sum('doubled'),
    sentTwice: tally.sentTwice,
    refused: Object.fromEntries(tally.refused),
    unanswered: tally.unanswered,
    devicesThatGaveUp: tally.gaveUp,
    acceptMs: tally.accept.summarise(),
    deltaMs: tally.deltas.summarise(),
    seconds: Math.round(seconds * 10) / 10,
    updatesPerSecond: Math.round(sum('applied') / seconds),
  };
}

function fieldOf({ fields }: LoadOrder, index: number): FieldId {
  const field = fields[index % fields.length];
  if (!field) throw new RangeError('a load needs a field');
  return field;
}

async function openField({ url }: LoadOrder, field: FieldId, all: readonly Sender[]) {
  const senders = all.filter((sender) => sender.field === field);
  const [first] = senders;
  return { url, field, senders, after: first ? await readVersion(url, field, first) : 0 };
}

async function watchAll(order: LoadOrder, senders: readonly Sender[], tally: Tally): Promise<(() => void)[]> {
  const byDevice = new Map<string, Sender>(senders.map((sender) => [sender.credentials.deviceId, sender]));
  const onUpdate = (device: string, counter: number) => {
    const due = byDevice.get(device)?.dueAt[Math.floor((counter - 1) / order.batch)];
    if (due !== undefined) tally.deltas.record(performance.now() - due);
  };
  return Promise.all(
    order.watchers.map((credentials, index) =>
      watch({ url: order.url, field: fieldOf(order, index), credentials, onUpdate }),
    ),
  );
}

async function sendAll(order: LoadOrder, senders: readonly Sender[], tally: Tally, startsAt: number): Promise<void> {
  const { rate, batch, seconds, onProgress } = order;
  const endsAt = startsAt + seconds * 1000;
  const intervalMs = rate === undefined ? 0 : (1000 * batch * senders.length) / rate;
  const show = () =>
    onProgress({
      phase: 'sending',
      share: Math.min(1, (performance.now() - startsAt) / (endsAt - startsAt)),
      accepted: tally.accepted,
      applied: 0,
    });
  const timer = setInterval(show, progressMs);
  // Dealt out evenly over the interval, lest they all send at once.
  const startOf = (index: number) => startsAt + (index * intervalMs) / senders.length;
  await Promise.all(
    senders.map((sender, index) => send(sender, order, { startsAt: startOf(index), endsAt, intervalMs }, tally)),
  ).finally(() => clearInterval(timer));
}

async function settleAll({ onProgress }: LoadOrder, fields: readonly Field[], { accepted }: Tally): Promise<void> {
  const applied = new Map<FieldId, number>();
  const show = (field: FieldId, count: number) => {
    applied.set(field, count);
    const total = [...applied.values()].reduce((sum, one) => sum + one, 0);
    onProgress({ phase: 'settling', share: accepted === 0 ? 1 : total / accepted, accepted, applied: total });
  };
  await Promise.all(fields.map((field) => waitUntilApplied(field, (count) => show(field.field, count))));
}

type Field = Awaited<ReturnType<typeof openField>>;

/** Verifies a load: waits until all accepted updates are applied, and checks that each is in the log exactly once. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FieldId } from '../../shared/field/ids.ts';
import { readJson } from './api-client.ts';
import type { Sender } from './sender.ts';

const pollMs = 200;
/** The longest time without progress. The jobs of a crashed worker are retried within 20 s. */
const stallTimeoutMs = 60_000;
const pageSize = 1000;

interface LoadField {
  readonly url: string;
  readonly field: FieldId;
  /** The field's version before the first update. */
  readonly after: number;
  readonly senders: readonly Sender[];
}

export async function readVersion(url: string, field: FieldId, { credentials }: Sender): Promise<number> {
  return (await readJson<{ version: number }>(url, `/api/fields/${field}/clock`, credentials))?.version ?? 0;
}

/** Resolves when all updates are applied, or after a minute without progress. */
export async function waitUntilApplied(
  { url, field, senders }: LoadField,
  onApplied: (n: number) => void,
): Promise<void> {
  const [first] = senders;
  if (!first) return;
  const expected = senders.reduce((sum, { accepted }) => sum + accepted, 0);
  let [best, since] = [0, performance.now()];
  while (expected > 0) {
    const answer = await readJson<{ clock: Record<string, number> }>(
      url,
      `/api/fields/${field}/clock`,
      first.credentials,
    );
    const appliedOf = ({ accepted, credentials }: Sender) =>
      Math.min(accepted, answer?.clock[credentials.deviceId] ?? 0);
    const applied = senders.reduce((sum, sender) => sum + appliedOf(sender), 0);
    if (applied > best) [best, since] = [applied, performance.now()];
    onApplied(best);
    if (applied >= expected || performance.now() - since > stallTimeoutMs) return;
    await delay(pollMs);
  }
}

interface LogPage {
  readonly version: number;
  readonly updates: readonly { version: number; device: string; update: { counter: number } }[];
}

export interface LogVerification {
  /** Accepted updates that are in the log. */
  readonly applied: number;
  readonly lost: number;
  /** Updates that are in the log more than once. */
  readonly doubled: number;
}

/** Reads the log from the version at which the load began. */
export async function verifyLog({ url, field, after, senders }: LoadField): Promise<LogVerification> {
  const [first] = senders;
  const seen = new Map(
    senders.map(({ credentials, accepted }) => [
      credentials.deviceId as string,
      { accepted, counters: new Set<number>() },
    ]),
  );
  let [from, applied, doubled] = [after, 0, 0];
  while (first) {
    const path = `/api/fields/${field}/updates?after=${from}&limit=${pageSize}`;
    const page = await readJson<LogPage>(url, path, first.credentials);
    for (const { version, device, update } of page?.updates ?? []) {
      from = version;
      const sender = seen.get(device);
      if (!sender) continue;
      if (sender.counters.has(update.counter)) doubled += 1;
      else if (update.counter <= sender.accepted) applied += 1;
      sender.counters.add(update.counter);
    }
    if (!page || page.updates.length === 0 || from >= page.version) break;
  }
  const accepted = senders.reduce((sum, sender) => sum + sender.accepted, 0);
  return { applied, lost: accepted - applied, doubled };
}

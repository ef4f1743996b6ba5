/**
 * Waits until the system is quiescent: every API is ready, all updates are applied, the queues are empty, and every copy
 * is at the newest cursor.
 */
import { versionOf } from '../../../shared/field/cursor.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { waitUntil } from '../../support/wait-until.ts';
import type { DevicePool } from '../devices/device-pool.ts';
import type { Observer } from '../observer.ts';
import { isReady } from '../stack/field-processes.ts';
import { countJobs } from './count-jobs.ts';
import { type Violation, violation } from './violation.ts';

interface QuiescenceOptions {
  readonly observer: Observer;
  readonly devicePool: DevicePool;
  /** The addresses of the APIs. */
  readonly addresses: readonly string[];
  /** The deadline of each condition. */
  readonly timeoutMs: number;
}

/** @returns a violation for each condition that did not hold in time */
export async function waitForQuiescence({
  observer,
  devicePool,
  addresses,
  timeoutMs,
}: QuiescenceOptions): Promise<Violation[]> {
  const violations: Violation[] = [];
  const expect = async (what: string, check: () => Promise<boolean> | boolean) => {
    try {
      await waitUntil(what, check, { timeoutMs, intervalMs: 100 });
    } catch (error) {
      const { message, cause } = error as Error;
      violations.push(violation('timeout', cause ? `${message} (${String(cause)})` : message));
    }
  };
  try {
    await devicePool.drain(timeoutMs);
  } catch (error) {
    violations.push(violation('timeout', (error as Error).message));
  }
  for (const address of addresses) await expect(`the API at ${address} is ready`, () => isReady(address));
  for (const field of devicePool.fields) {
    const sent = devicePool.ledger.entriesOf(field).length;
    await expect(`${field} has applied its ${sent} updates`, async () => (await readVersion(observer, field)) >= sent);
  }
  await expect('both queues are empty', async () => (await countJobs(observer)).unfinished === 0);
  const { failed } = await countJobs(observer);
  if (failed > 0) violations.push(violation('queue', `${failed} jobs failed`, failed));
  for (const field of devicePool.fields) {
    const cursor = await observer.reader.readCursor(field);
    const watching = devicePool.devices.filter((device) => device.field === field);
    await expect(`all watchers of ${field} are at ${cursor}`, () =>
      watching.every((device) => device.cursor === cursor),
    );
    await expect(`the cache of ${field} is at ${cursor} or empty`, async () => {
      const cached = await observer.cache.readCursor(field);
      return cached === undefined || cached === cursor;
    });
  }
  return violations;
}

async function readVersion({ reader }: Observer, field: FieldId): Promise<number> {
  const cursor = await reader.readCursor(field);
  return cursor === undefined ? 0 : versionOf(cursor);
}

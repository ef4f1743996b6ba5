/**
 * Checks that all copies of a field are equal, cursors included: the replay of its log with its hashes, the stored state, the cache, what a new reader gets
 * from each API by GET and by WebSocket, and the mirror of every watching device.
 */
import { isDeepStrictEqual } from 'node:util';
import { verifyField } from '../../../db/read/verify-field.ts';
import { type StateFragments, toFragments } from '../../../shared/cache/state-fragments.ts';
import { serializeState } from '../../../shared/cache/state-serializer.ts';
import type { State } from '../../../shared/contract/messages.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { referenceRegisters } from '../../unit/field/support/reference-merge.ts';
import { type Registers, registersOf } from '../../unit/field/support/registers.ts';
import type { DevicePool } from '../devices/device-pool.ts';
import { type View, viewOf } from '../devices/mirror.ts';
import type { Observer } from '../observer.ts';
import { describeDifference } from './describe-difference.ts';
import type { LogRow } from './read-log.ts';
import { readSnapshotMessage } from './read-snapshot-message.ts';
import { type Violation, violation } from './violation.ts';

export interface CheckStateDeps {
  readonly observer: Observer;
  readonly devicePool: DevicePool;
  readonly addresses: readonly string[];
}

export async function checkState(deps: CheckStateDeps, field: FieldId, log: readonly LogRow[]): Promise<Violation[]> {
  const { observer, devicePool } = deps;
  const state = await observer.reader.loadState(field);
  if (!state) return [violation('replay', `${field} is not stored`)];
  const stored = renderText(toFragments(state));
  const view = viewOf(JSON.parse(stored) as State);
  const { differences } = await verifyField(observer.db, field);
  const violations = differences.map((difference) => violation('replay', `${field}: ${difference}`));

  const sent = devicePool.ledger
    .entriesOf(field)
    .map(({ device, update }) => ({ device, update: { ...update, seen: 0 } }));
  const expected = Object.fromEntries(withoutPurged(referenceRegisters(sent), log));
  const registers = Object.fromEntries(withoutPurged(registersOf(state), log));
  if (!isDeepStrictEqual(registers, expected)) {
    violations.push(violation('registers', `${field}: ${describeDifference(registers, expected)}`));
  }
  violations.push(...(await checkReaders(deps, field, view)));
  const cached = await observer.cache.read(field);
  if (!cached) violations.push(violation('cache', `${field} is not cached although it was just read`));
  else if (renderText(cached) !== stored) {
    const cachedView = viewOf(JSON.parse(renderText(cached)) as State);
    violations.push(violation('cache', `${field}: ${describeDifference(cachedView, view)}`));
  }
  for (const device of devicePool.devices) {
    if (device.field !== field) continue;
    const shown = await device.readView();
    if (!isDeepStrictEqual(shown, view))
      violations.push(violation('watcher', `${device.id}: ${describeDifference(shown, view)}`));
  }
  return violations;
}

async function checkReaders(
  { devicePool, addresses }: CheckStateDeps,
  field: FieldId,
  expected: View,
): Promise<Violation[]> {
  const headers = { authorization: `Bearer ${devicePool.token}` };
  const violations: Violation[] = [];
  for (const address of addresses) {
    const response = await fetch(`${address}/api/fields/${field}`, { headers });
    const read = viewOf((await response.json()) as State);
    if (response.headers.get('etag') !== `"${expected.cursor}"`) {
      violations.push(violation('reader', `${field}: the ETag is ${response.headers.get('etag')}`));
    }
    if (!isDeepStrictEqual(read, expected)) {
      violations.push(violation('reader', `${field} by GET: ${describeDifference(read, expected)}`));
    }
    const snapshot = viewOf(await readSnapshotMessage(address, field, devicePool.token));
    if (!isDeepStrictEqual(snapshot, expected)) {
      violations.push(violation('reader', `${field} by WebSocket: ${describeDifference(snapshot, expected)}`));
    }
  }
  return violations;
}

/** Leaves out what a purge of tombstones may have deleted: what removals up to a version have cleared. */
function withoutPurged(registers: Registers, log: readonly LogRow[]): Registers {
  const purgedThrough = Math.max(0, ...log.map(({ sweptThrough }) => sweptThrough ?? 0));
  const removals = log.filter(({ version, update }) => version <= purgedThrough && update.kind === 'particle.remove');
  const purged = new Set(removals.map(({ device, counter }) => `${device} ${counter}`));
  return new Map([...registers].filter(([, { device, counter }]) => !purged.has(`${device} ${counter}`)));
}

function renderText(fragments: StateFragments): string {
  return serializeState(fragments).toString();
}

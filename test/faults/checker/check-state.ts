/**
 * All copies of a field are one state: the replay of its log, what PostgreSQL stores, the cache, what a fresh reader
 * gets of either API, by GET and by WebSocket, and what every watching device holds.
 */
import { isDeepStrictEqual } from 'node:util';
import { verifyField } from '../../../db/read/verify-field.ts';
import { cutState, type StatePieces } from '../../../shared/cache/state-fragments.ts';
import { joinText, renderState } from '../../../shared/cache/state-serializer.ts';
import type { State } from '../../../shared/contract/state.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { referenceRegisters } from '../../unit/field/support/reference-merge.ts';
import { registersOf } from '../../unit/field/support/registers.ts';
import type { Crowd } from '../devices/crowd.ts';
import { type View, viewOf } from '../devices/mirror.ts';
import type { Observer } from '../observer.ts';
import { describeDifference } from './describe-difference.ts';
import { readSnapshotMessage } from './read-snapshot-message.ts';
import { type Violation, violation } from './violation.ts';

export interface StateSources {
  readonly observer: Observer;
  readonly crowd: Crowd;
  readonly addresses: readonly string[];
}

export async function checkState(sources: StateSources, field: FieldId): Promise<Violation[]> {
  const { observer, crowd } = sources;
  const state = await observer.reader.loadState(field);
  if (!state) return [violation('replay', `${field} is not stored`)];
  const stored = textOf(cutState(state));
  const view = viewOf(JSON.parse(stored) as State);
  const { differences } = await verifyField(observer.db, field);
  const violations = differences.map((difference) => violation('replay', `${field}: ${difference}`));

  const expected = Object.fromEntries(referenceRegisters(crowd.ledger.of(field)));
  const registers = Object.fromEntries(registersOf(state));
  if (!isDeepStrictEqual(registers, expected)) {
    violations.push(violation('registers', `${field}: ${describeDifference(registers, expected)}`));
  }
  violations.push(...(await checkReaders(sources, field, view)));
  const cached = await observer.cache.read(field);
  if (!cached) violations.push(violation('cache', `${field} is not cached though it was just read`));
  else if (textOf(cached) !== stored) {
    const cachedView = viewOf(JSON.parse(textOf(cached)) as State);
    violations.push(violation('cache', `${field}: ${describeDifference(cachedView, view)}`));
  }
  for (const { id, watcher, field: watched } of crowd.devices) {
    if (watched !== field) continue;
    const held = watcher.mirror.view();
    if (!isDeepStrictEqual(held, view))
      violations.push(violation('watcher', `${id}: ${describeDifference(held, view)}`));
  }
  return violations;
}

async function checkReaders({ crowd, addresses }: StateSources, field: FieldId, expected: View): Promise<Violation[]> {
  const headers = { authorization: `Bearer ${crowd.token}` };
  const violations: Violation[] = [];
  for (const address of addresses) {
    const answer = await fetch(`${address}/api/fields/${field}`, { headers });
    const read = viewOf((await answer.json()) as State);
    if (!isDeepStrictEqual(read, expected)) {
      violations.push(violation('reader', `${field} by GET: ${describeDifference(read, expected)}`));
    }
    const snapshot = viewOf(await readSnapshotMessage(address, field, crowd.token));
    if (!isDeepStrictEqual(snapshot, expected)) {
      violations.push(violation('reader', `${field} by WebSocket: ${describeDifference(snapshot, expected)}`));
    }
  }
  return violations;
}

function textOf(pieces: StatePieces): string {
  return joinText(renderState(pieces).state, 0).toString();
}

/** Plays a conversation with the outbox of the TypeScript client. */
import type { Storage } from '../../../client/storage/storage.ts';
import { type Cursor, versionOf } from '../../../shared/field/cursor.ts';
import { asCursor } from '../../support/updates.ts';
import { loadOutbox, unlimited } from '../../unit/client/support/load-outbox.ts';
import type { Step } from './conversations.ts';

type LoadedOutbox = Awaited<ReturnType<typeof loadOutbox>>;

/** The storage of a device, of which there is one backup. */
interface Disk {
  values: Map<string, string>;
  backup: Map<string, string>;
}

/** @returns each step with the counters of its request, and the outbox after it: `[name, counter, status, outcome?]` */
export async function playConversation(steps: readonly Step[]): Promise<object[]> {
  const disk: Disk = { values: new Map(), backup: new Map() };
  let process = await loadOutbox({ storage: openStorage(disk) });
  let request: readonly number[] = [];
  const played: object[] = [];
  for (const step of steps) {
    if (step.do === 'restart' || step.do === 'backup' || step.do === 'restore') {
      await process.store.flush();
      if (step.do === 'backup') disk.backup = new Map(disk.values);
      if (step.do === 'restore') disk.values = new Map(disk.backup);
      if (step.do !== 'backup') process = await loadOutbox({ storage: openStorage(disk) });
    } else if (step.do === 'send') {
      request = process.outbox.nextBatch(...unlimited).map(({ counter }) => counter);
    } else perform(step, process, request);
    await process.store.flush();
    played.push({ ...step, ...(step.do === 'send' ? { request } : {}), outbox: describeOutbox(process) });
  }
  return played;
}

function perform(step: Step, { outbox, store }: LoadedOutbox, request: readonly number[]): void {
  const find = (name: string) => outbox.entries.find(({ update }) => 'id' in update && update.id === name);
  switch (step.do) {
    case 'edit':
      outbox.add({ kind: 'particle.put', id: step.name }, asCursor(0));
      break;
    case 'accepted':
      outbox.markAccepted(request);
      break;
    case 'results':
      outbox.settle(step.results, 'response');
      break;
    case 'invalid':
      for (const path of step.paths) outbox.refuse(request[Number(path.split('/')[2])] ?? 0, path);
      break;
    case 'missed':
      outbox.resendAccepted();
      break;
    case 'delta':
      outbox.applied.followDelta(versionOf(step.from as Cursor), versionOf(step.to as Cursor), step.results);
      break;
    case 'unknown-cursor':
      outbox.applied.resendAll();
      break;
    case 'confirmed':
      outbox.applied.confirm(step.version);
      break;
    case 'server-counter':
      outbox.skipTo(step.counter);
      break;
    case 'connected':
      for (let minute = 0; minute < step.minutes; minute += 1) store.addConnectedTime(60_000);
      break;
    case 'discard':
      outbox.discard(find(step.name)?.key ?? '');
      break;
  }
}

function describeOutbox({ outbox }: LoadedOutbox): unknown[] {
  return outbox.entries.map(({ update, counter, status, outcome }) => [
    'id' in update ? update.id : '',
    counter,
    status,
    ...(outcome ? [outcome] : []),
  ]);
}

function openStorage(disk: Disk): Storage {
  return {
    get: async (key) => disk.values.get(key) ?? null,
    set: async (key, value) => void disk.values.set(key, value),
    remove: async (key) => void disk.values.delete(key),
  };
}

/**
 * A report of what a client is doing, to be shown in an app or sent to support. Contains no tokens and no content of updates.
 * Loaded only by apps that import it.
 */
import { presenceOf } from './presence/presence-of.ts';
import type { ClientProblem, EntryStatus, FieldClient, OutboxEntry, Status, TransportName } from './types.ts';

const maxProblems = 20;
const maxLatencies = 100;
const maxEntries = 100;

export interface InspectedEntry {
  readonly counter: number;
  readonly kind: OutboxEntry['update']['kind'];
  readonly status: EntryStatus;
  /** The time since the edit was made, by the device's clock. */
  readonly ageMs: number;
  readonly reason?: string;
}

/** The latencies of the newest 100 own updates of this session, in ms. */
export interface Latency {
  readonly count: number;
  readonly median: number;
  readonly longest: number;
}

export interface InspectorReport {
  /** When the report was made, in ISO 8601. */
  readonly at: string;
  readonly field: string;
  readonly device: string | undefined;
  readonly status: Status;
  readonly transport: TransportName | undefined;
  readonly isLoaded: boolean;
  readonly cursor: string;
  readonly particles: number;
  readonly cells: number;
  /** The number of devices that are present, and how many of them are listed. */
  readonly present: { readonly devices: number; readonly shown: number };
  readonly pending: number;
  /** The oldest 100 entries of the outbox. */
  readonly outbox: readonly InspectedEntry[];
  readonly conflicts: number;
  /** The newest 20, the newest first. */
  readonly problems: readonly (ClientProblem & { readonly at: string })[];
  /** Changes of the status since the inspector was made. */
  readonly statusChanges: number;
  readonly latency: { readonly accepted: Latency | undefined; readonly applied: Latency | undefined };
}

export interface Inspector {
  report(): InspectorReport;
  /** Stops recording. */
  close(): void;
}

/** Records problems and latencies from now on. */
export function createInspector(client: FieldClient): Inspector {
  const presence = presenceOf(client);
  const problems: (ClientProblem & { at: string })[] = [];
  const latencies: Record<'accepted' | 'applied', number[]> = { accepted: [], applied: [] };
  const addedAt = new Map<string, number>();
  let statusChanges = 0;

  const recordUpdate = ({ key, status }: OutboxEntry): void => {
    const now = performance.now();
    const start = addedAt.get(key);
    if (status === 'queued' && start === undefined) addedAt.set(key, now);
    if (start === undefined) return;
    if (status === 'accepted') record(latencies.accepted, now - start);
    if (status === 'applied' || status === 'conflict') record(latencies.applied, now - start);
    if (status !== 'queued' && status !== 'accepted') addedAt.delete(key);
  };
  const unsubscribers = [
    client.on('update', recordUpdate),
    client.on('status', () => {
      statusChanges += 1;
    }),
    client.on('problem', (problem) => {
      problems.unshift({ ...problem, at: new Date().toISOString() });
      problems.splice(maxProblems);
    }),
  ];
  return {
    report() {
      const { state, outbox, conflicts, pending, status, transport, isLoaded, deviceId } = client;
      return {
        ...{ at: new Date().toISOString(), field: state.field, device: deviceId, status, transport, isLoaded },
        ...{ cursor: state.cursor, particles: state.memoryParticles.length, cells: Object.keys(state.cells).length },
        present: { devices: presence.view.activeNodes, shown: presence.view.devices.length },
        ...{ pending, outbox: outbox.slice(0, maxEntries).map(inspectEntry), conflicts: conflicts.length },
        ...{ problems: [...problems], statusChanges },
        latency: { accepted: summarize(latencies.accepted), applied: summarize(latencies.applied) },
      };
    },
    close() {
      for (const unsubscribe of unsubscribers) unsubscribe();
    },
  };
}

function record(latencies: number[], ms: number): void {
  latencies.push(ms);
  if (latencies.length > maxLatencies) latencies.shift();
}

function summarize(latencies: readonly number[]): Latency | undefined {
  const sorted = latencies.map(Math.round).sort((a, b) => a - b);
  const longest = sorted.at(-1);
  const median = sorted[Math.floor(sorted.length / 2)];
  return longest === undefined || median === undefined ? undefined : { count: sorted.length, median, longest };
}

function inspectEntry({ counter, update, status, reason }: OutboxEntry): InspectedEntry {
  const entry = { counter, kind: update.kind, status, ageMs: Math.max(0, Date.now() - update.timestamp) };
  return reason === undefined ? entry : { ...entry, reason };
}

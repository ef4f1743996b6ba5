/** Routes the client's events to the panels and the canvas. It holds no state of its own. */
import type { ClientEvents, FieldClient, FieldConflict, OutboxEntry } from '../client/types.ts';
import type { FieldCanvas } from './canvas/field-canvas.ts';
import { toRippleTarget } from './conflicts/describe-conflict.ts';
import type { ParticleCount } from './status/particle-count.ts';
import type { UpdateStats } from './status/update-stats.ts';

/** A delta with more changed particles than this, such as an imported file, gets no ripple for each. */
const maxRippledChanges = 12;

interface ClientEventsDeps {
  /** Whether the past is shown, so that present changes must not be drawn. */
  readonly isPast: () => boolean;
  readonly fieldCanvas: FieldCanvas;
  readonly updateStats: UpdateStats;
  readonly particleCount: ParticleCount;
  readonly showToast: (text: string) => void;
  readonly askForToken: (reason: string) => void;
  readonly onConflict: (conflict: FieldConflict) => void;
  /** An own update is in a conflict, whose record may have to be read from the server. */
  readonly onOwnConflict: (entry: OutboxEntry) => void;
  readonly onStateChange: () => void;
  /** The status of the connection or of an own update has changed. */
  readonly onStatusChange: () => void;
  /** A message has arrived from the server. */
  readonly onHeard: () => void;
  /** The conflicts on display may be incomplete and have to be read from the server again. */
  readonly onHistoryStale: () => void;
}

export function attachClientEvents(client: FieldClient, deps: ClientEventsDeps): void {
  const { fieldCanvas, updateStats, particleCount, showToast } = deps;
  client.on('state', deps.onStateChange);
  client.on('status', (status) => {
    deps.onHistoryStale();
    updateStats.reset();
    deps.onHeard();
    // The answer has the server's time, which separates new updates from a gap fill.
    if (status === 'live') client.sendMessage({ type: 'ping' });
    deps.onStatusChange();
  });
  client.on('problem', ({ code, message }) => {
    deps.onStatusChange();
    if (client.status === 'refused' || code === 'forbidden') deps.askForToken(message);
    else if (code !== 'network' && code !== 'timeout') showToast(message);
  });
  client.on('update', (entry) => {
    updateStats.recordEntry(entry, client.status === 'live', performance.now());
    deps.onStatusChange();
    if (entry.status === 'conflict') deps.onOwnConflict(entry);
    // Without a stream, its record does not arrive by itself.
    if (entry.status === 'conflict' && client.status === 'polling') deps.onHistoryStale();
    if (entry.status !== 'refused') return;
    showToast(`The server rejected a change: ${entry.reason ?? 'no reason given'}`);
    client.discard(entry);
  });
  client.on('conflict', (conflict) => {
    deps.onConflict(conflict);
    if (!deps.isPast()) fieldCanvas.ripple('conflict', toRippleTarget(conflict));
  });
  client.on('message', (message) => {
    deps.onHeard();
    updateStats.recordMessage(message, performance.now());
    particleCount.record(message);
    if (message.type !== 'delta') return;
    // A gap-fill delta has the outcome of each update, but not the records of its conflicts.
    const conflictCount = message.updates.filter(({ outcome }) => outcome === 'conflict').length;
    if (conflictCount > (message.conflicts?.length ?? 0)) deps.onHistoryStale();
    const isOthers = message.updates.some(({ device }) => device !== client.deviceId);
    if (isOthers && !deps.isPast()) showChanges(fieldCanvas, message);
  });
}

type Delta = Extract<ClientEvents['message'], { type: 'delta' }>;

/** Shows ripples at the changed particles and at the first changed cell; over the whole field for an event. */
function showChanges(fieldCanvas: FieldCanvas, { changes }: Delta): void {
  const particles = Object.entries(changes.particles);
  const cells = Object.keys(changes.cells);
  if (particles.length + cells.length === 0) fieldCanvas.ripple('event', 'field');
  if (particles.length <= maxRippledChanges) {
    for (const [particle, state] of particles) if (state) fieldCanvas.ripple('write', { particle });
  }
  const [cell] = cells;
  if (cell !== undefined) fieldCanvas.ripple('write', { cell });
}

/** Routes the client's events to the panels and the canvas. It holds no state of its own. */
import type { ClientEvents, FieldClient } from '../client/types.ts';
import type { FieldCanvas } from './canvas/field-canvas.ts';
import { type ConflictsPanel, toRippleTarget } from './panels/conflicts.ts';
import { showConnectionStatus } from './panels/connection-status.ts';
import type { UpdateStats } from './update-stats.ts';

/** A delta with more changed particles than this, such as an imported file, is shown without a ripple for each. */
const maxRippledChanges = 12;

interface ClientEventsDeps {
  readonly fieldCanvas: FieldCanvas;
  readonly conflictsPanel: ConflictsPanel;
  readonly updateStats: UpdateStats;
  readonly showToast: (text: string) => void;
  readonly askForToken: (reason: string) => void;
  readonly onStateChange: () => void;
  /** The conflicts on display may be incomplete and have to be read from the server again. */
  readonly onHistoryStale: () => void;
}

export function attachClientEvents(client: FieldClient, deps: ClientEventsDeps): void {
  const { fieldCanvas, conflictsPanel, updateStats, showToast } = deps;
  client.on('state', deps.onStateChange);
  client.on('status', (status) => {
    showConnectionStatus(client);
    deps.onHistoryStale();
    if (status !== 'live') updateStats.reset();
  });
  client.on('problem', ({ code, message }) => {
    if (client.status === 'refused' || code === 'forbidden') deps.askForToken(message);
    else if (code !== 'network') showToast(message);
  });
  client.on('update', (entry) => {
    showConnectionStatus(client);
    updateStats.recordEntry(entry, client.status === 'live', performance.now());
    if (entry.status !== 'refused') return;
    showToast(`The server rejected a change: ${entry.reason ?? 'no reason given'}`);
    client.discard(entry);
  });
  client.on('conflict', (conflict) => {
    conflictsPanel.add(conflict);
    fieldCanvas.ripple('conflict', toRippleTarget(conflict));
  });
  client.on('message', (message) => {
    if (message.type !== 'delta') return;
    updateStats.recordUpdates(message.updates.length, performance.now());
    // A gap-fill delta has the outcome of each update, but not the records of its conflicts.
    const conflictCount = message.updates.filter(({ outcome }) => outcome === 'conflict').length;
    if (conflictCount > (message.conflicts?.length ?? 0)) deps.onHistoryStale();
    if (message.updates.some(({ device }) => device !== client.deviceId)) showChanges(fieldCanvas, message);
  });
}

type Delta = Extract<ClientEvents['message'], { type: 'delta' }>;

/** Ripples at the particles and at the first cell that other devices changed; over the whole field for an event. */
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

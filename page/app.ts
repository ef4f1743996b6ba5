/** Brings the client and the page together: what the client tells is shown, what is drawn is handed to the client. */
import type { ClientEvents, FieldClient, FieldView } from '../client/types.ts';
import { FieldCanvas } from './canvas/field-canvas.ts';
import type { ConflictPage } from './conflict-counter.ts';
import { byId } from './dom.ts';
import { measureViewport } from './field-viewport.ts';
import { attachKeyboard } from './input/keyboard.ts';
import { attachPointer } from './input/pointer.ts';
import { Tools } from './input/tools.ts';
import { startBottomSheet } from './panels/bottom-sheet.ts';
import { createConflictsPanel, toRippleTarget } from './panels/conflicts.ts';
import { showConnectionStatus } from './panels/connection-status.ts';
import { showEmptyState } from './panels/empty-state.ts';
import { addEventButtons } from './panels/event-buttons.ts';
import { LiveRegion } from './panels/live-region.ts';
import { startTheme } from './panels/theme.ts';
import { Timeline } from './panels/timeline.ts';
import { createToast } from './panels/toast.ts';
import { median } from './rate.ts';
import { createSidebar } from './sidebar.ts';
import { UpdateStats } from './update-stats.ts';

/** How often words and figures change: as fast as one can read. */
const sidebarIntervalMs = 250;
/** A burst of changes, such as a file that is sent, is shown without a ring for each. */
const maxRippledChanges = 12;

/** Starts all of the page. @param askForToken is told why the server lets nobody in without one. */
export function startApp(client: FieldClient, gridSize: number, askForToken: (reason: string) => void): void {
  const canvas = byId('field', HTMLCanvasElement);
  addEventButtons((type) => tools.emit(type));
  const fieldCanvas = new FieldCanvas({
    heat: byId('heat', HTMLCanvasElement),
    field: canvas,
    gridSize,
    measureViewport,
  });
  const tools = new Tools(fieldCanvas, client, gridSize);
  const liveRegion = new LiveRegion();
  const updateStats = new UpdateStats();
  const sidebar = createSidebar(updateStats, liveRegion);
  const showToast = createToast();
  const conflictsPanel = createConflictsPanel();
  const isEditable = () => !timeline.isShowingPast;
  let pastState: FieldView | undefined;
  let isHistoryLoaded = false;
  let isStale = true;

  const timeline = new Timeline<FieldView>({
    readAt: (version) => client.read(`?at=${version}`),
    onShow: (state) => {
      pastState = state;
      isStale = true;
      byId('tools', HTMLElement).toggleAttribute('inert', state !== undefined);
    },
    onError: (error) => showToast(describeHistoryError(error)),
  });
  attachPointer(canvas, fieldCanvas, tools, isEditable);
  attachKeyboard({ canvas, fieldCanvas, tools, liveRegion, gridSize, isEditable });
  startBottomSheet();
  startTheme(() => {
    fieldCanvas.recolor();
    sidebar.recolor();
  });

  client.on('state', () => {
    isStale = true;
  });
  client.on('status', (status) => {
    showConnectionStatus(client);
    isHistoryLoaded = false;
    if (status !== 'live') updateStats.reset();
  });
  client.on('problem', ({ code, message }) => {
    if (client.status === 'refused' || code === 'forbidden') askForToken(message);
    else if (code !== 'network') showToast(message);
  });
  client.on('update', (entry) => {
    showConnectionStatus(client);
    updateStats.recordEntry(entry, client.status === 'live', performance.now());
    if (entry.status !== 'refused') return;
    showToast(`The server refused a change: ${entry.reason ?? 'it does not say why'}`);
    client.discard(entry);
  });
  client.on('conflict', (conflict) => {
    conflictsPanel.add(conflict);
    fieldCanvas.ripple('conflict', toRippleTarget(conflict));
  });
  client.on('message', (message) => {
    if (message.type !== 'delta') return;
    updateStats.recordUpdates(message.updates.length, performance.now());
    // A delta that heals a gap tells that there were conflicts, but not which.
    const conflictCount = message.updates.filter(({ outcome }) => outcome === 'conflict').length;
    if (conflictCount > (message.conflicts?.length ?? 0)) isHistoryLoaded = false;
    if (message.updates.some(({ device }) => device !== client.deviceId)) showChanges(fieldCanvas, message);
  });

  /** What happened before this page came: the newest conflicts, and how far back the log is kept. */
  async function loadHistory(): Promise<void> {
    try {
      await conflictsPanel.load(() => client.read<ConflictPage>('/conflicts'));
      const { oldest } = await client.read<{ oldest: number }>(`/updates?after=${client.state.version}&limit=1`);
      timeline.setOldest(oldest);
    } catch {
      // What fails for the network is read when it is back.
    }
  }

  let lastSidebarUpdate = 0;
  const tick = (now: number) => {
    const state = pastState ?? client.state;
    if (isStale) fieldCanvas.setState(state);
    isStale = false;
    fieldCanvas.draw(now);
    sidebar.draw(now);
    if (now - lastSidebarUpdate >= sidebarIntervalMs) {
      lastSidebarUpdate = now;
      sidebar.show(state, now);
      timeline.setVersion(client.state.version);
      if (!isHistoryLoaded && client.status === 'live' && client.state.version > 0) {
        isHistoryLoaded = true;
        void loadHistory();
      }
      showConnectionStatus(client);
      showEmptyState(state, client.status === 'live');
      canvas.dataset.drawMs = median(fieldCanvas.frameTimesMs)?.toFixed(2) ?? '';
      canvas.dataset.draws = String(fieldCanvas.frameTimesMs.length);
    }
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}

type Delta = Extract<ClientEvents['message'], { type: 'delta' }>;

/** Rings where others have changed something; over the whole field if it was an event. */
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

function describeHistoryError(error: unknown): string {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  return status === 410
    ? 'That far back is no longer kept: this is the present again'
    : 'The past cannot be read just now: this is the present again';
}

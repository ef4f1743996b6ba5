/** Composition root of the page: creates the canvas, tools and panels, connects them to the client, runs the frame loop. */
import { presenceOf } from '../client/presence/presence-of.ts';
import type { FieldClient, FieldView } from '../client/types.ts';
import { FieldCanvas } from './canvas/field-canvas.ts';
import { attachClientEvents } from './client-events.ts';
import type { ConflictPage } from './conflict-counter.ts';
import { byId } from './dom.ts';
import { isGeographic } from './earth/is-geographic.ts';
import { startSaveMenu } from './export/save-menu.ts';
import { measureFrame } from './field-viewport.ts';
import { FrameLoop } from './frames/frame-loop.ts';
import { attachKeyboard } from './input/keyboard.ts';
import { attachPointer } from './input/pointer.ts';
import { Tools } from './input/tools.ts';
import { addViewControls } from './navigation/view-controls.ts';
import { startBottomSheet } from './panels/bottom-sheet.ts';
import { createConflictsPanel } from './panels/conflicts.ts';
import { showConnectionStatus } from './panels/connection-status.ts';
import { showEmptyState } from './panels/empty-state.ts';
import { addEventButtons } from './panels/event-buttons.ts';
import { LiveRegion } from './panels/live-region.ts';
import { startTheme } from './panels/theme.ts';
import { createToast } from './panels/toast.ts';
import { createSidebar } from './sidebar.ts';
import { Timeline } from './timeline/timeline.ts';
import { UpdateStats } from './update-stats.ts';
import { type Point, toWorld } from './viewport/geometry.ts';
import { watchRegion } from './viewport/region-watch.ts';
import { Viewport } from './viewport/viewport.ts';

/** Texts and figures are updated four times per second; faster changes are not readable. */
const sidebarIntervalMs = 250;

interface AppOptions {
  readonly gridSize: number;
  /** Whether the token allows no changes. */
  readonly isViewer: boolean;
  /** Called with the server's message when it requires a token or rejects the one sent. */
  readonly askForToken: (reason: string) => void;
}

/** Starts the page. */
export function startApp(client: FieldClient, { gridSize, isViewer, askForToken }: AppOptions): void {
  const canvas = byId('field', HTMLCanvasElement);
  const presence = presenceOf(client);
  presence.on(({ devices }) => fieldCanvas.setDevices(devices, client.deviceId));
  addEventButtons((type) => tools.emit(type));
  const viewport = new Viewport({ gridSize, measureFrame });
  const heat = byId('heat', HTMLCanvasElement);
  const frames = new FrameLoop((now) => drawFrame(now));
  const fieldCanvas = new FieldCanvas({
    heat,
    field: canvas,
    gridSize,
    viewport,
    requestFrame: () => frames.request(),
  });
  const checkRegion = watchRegion(viewport, (region) => client.setRegion(region));
  client.on('state', ({ region }) => checkRegion(region));
  const tools = new Tools(fieldCanvas, client, gridSize);
  const liveRegion = new LiveRegion();
  const updateStats = new UpdateStats();
  const sidebar = createSidebar(updateStats, liveRegion);
  const showToast = createToast();
  const conflictsPanel = createConflictsPanel();
  const isEditable = () => !timeline.isShowingPast && !isViewer;
  let pastState: FieldView | undefined;
  let isHistoryLoaded = false;
  let isStale = true;

  const markStale = () => {
    isStale = true;
    frames.request();
  };
  const timeline = new Timeline<FieldView>({
    read: (path) => client.read(path),
    onShow: (state) => {
      pastState = state;
      markStale();
      byId('tools', HTMLElement).toggleAttribute('inert', state !== undefined);
    },
    onError: (error) => showToast(describeHistoryError(error)),
  });
  const minimap = addViewControls({
    stage: byId('stage', HTMLElement),
    viewport,
    gridSize,
    announce: (text) => liveRegion.announce(text),
  });
  if (isGeographic(client.state.field, new URLSearchParams(location.search))) {
    void import('./earth/coastline.ts').then(({ createLandPath }) => {
      fieldCanvas.land = createLandPath();
      minimap.land = createLandPath();
    });
  }
  const showOwnCursor = (point: Point | undefined) => {
    fieldCanvas.requestRedraw();
    // Each message costs a point of the user's updates, so nothing is sent while nobody else looks.
    // Who may only watch may not show anything either.
    if (isViewer) return;
    if (presence.view.activeNodes > 1) presence.set(point ? { position: toWorld(fieldCanvas.view, point) } : {});
  };
  attachPointer({ canvas, fieldCanvas, viewport, tools, isEditable, onHover: showOwnCursor });
  attachKeyboard({ canvas, fieldCanvas, viewport, tools, liveRegion, gridSize, isEditable });
  startSaveMenu({
    field: client.state.field,
    layers: [heat, canvas],
    read: (path) => client.read(path),
    shown: () => {
      const { version, lastUpdate } = pastState ?? client.state;
      return { version, isPast: pastState !== undefined, time: lastUpdate };
    },
    onError: showToast,
  });
  startBottomSheet();
  startTheme(() => {
    fieldCanvas.recolor();
    sidebar.recolor();
  });

  client.on('conflict', (conflict) => timeline.addConflict(conflict));
  attachClientEvents(client, {
    fieldCanvas,
    conflictsPanel,
    updateStats,
    showToast,
    askForToken,
    onStateChange: markStale,
    onHistoryStale: () => {
      isHistoryLoaded = false;
    },
  });

  /** Reads what the stream does not send: earlier conflicts, and the oldest version that is still available. */
  async function loadHistory(): Promise<void> {
    try {
      await conflictsPanel.load(async () => {
        const page = await client.read<ConflictPage>('/conflicts');
        for (const conflict of page.conflicts) timeline.addConflict(conflict);
        return page;
      });
      const { oldest } = await client.read<{ oldest: number }>(`/updates?after=${client.state.version}&limit=1`);
      timeline.setOldest(oldest);
    } catch {
      // A status change triggers the next attempt, so a network failure needs no retry here.
    }
  }

  let lastFrame = 0;
  const drawFrame = (now: number) => {
    const state = pastState ?? client.state;
    if (isStale) {
      fieldCanvas.setState(state);
      minimap.setState(state);
    }
    isStale = false;
    const isMoving = fieldCanvas.draw(now);
    const seconds = Math.min(0.1, (now - lastFrame) / 1000) * fieldCanvas.drift;
    lastFrame = now;
    sidebar.draw(seconds);
    minimap.draw();
    canvas.dataset.resting = String(!isMoving && seconds === 0);
    return isMoving || seconds > 0;
  };
  const updateSidebar = () => {
    if (document.hidden) return;
    const state = pastState ?? client.state;
    sidebar.show(state, presence.view, performance.now());
    timeline.setVersion(client.state.version, client.state.lastUpdate);
    if (!isHistoryLoaded && client.status === 'live' && client.state.version > 0) {
      isHistoryLoaded = true;
      void loadHistory();
    }
    showConnectionStatus(client);
    showEmptyState(state, client.status === 'live');
    canvas.dataset.drawMs = fieldCanvas.frameTimes.medianMs?.toFixed(2) ?? '';
    canvas.dataset.draws = String(fieldCanvas.frameTimes.count);
    canvas.dataset.drawnParticles = String(fieldCanvas.frameTimes.particles);
  };
  updateSidebar();
  setInterval(updateSidebar, sidebarIntervalMs);
  frames.request();
}

function describeHistoryError(error: unknown): string {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  return status === 410
    ? 'That version is no longer available; showing the current state'
    : 'History could not be loaded; showing the current state';
}

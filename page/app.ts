/** Composition root of the page: creates the canvas, tools and panels, connects them to the client, and runs the frame loop. */
import { presenceOf } from '../client/presence/presence-of.ts';
import type { FieldClient, FieldView } from '../client/types.ts';
import { FieldCanvas, maxFrameSeconds } from './canvas/field-canvas.ts';
import { attachClientEvents } from './client-events.ts';
import { byId } from './dom.ts';
import { isGeographic } from './earth/is-geographic.ts';
import { createEditingTools } from './editing/editing-tools.ts';
import { startSaveMenu } from './export/save-menu.ts';
import { measureFrame } from './field-viewport.ts';
import { FrameLoop } from './frames/frame-loop.ts';
import { startTooltips } from './help/tooltip.ts';
import { startWelcome } from './help/welcome.ts';
import type { History } from './history.ts';
import { startIdentity } from './identity/identity.ts';
import { OwnCursor } from './identity/own-cursor.ts';
import { People } from './identity/people.ts';
import { attachKeyboard } from './input/keyboard.ts';
import { attachPointer } from './input/pointer.ts';
import { loadPart } from './load-part.ts';
import { addViewControls } from './navigation/view-controls.ts';
import { startBottomSheets } from './panels/bottom-sheet.ts';
import { showEmptyState } from './panels/empty-state.ts';
import { LiveRegion } from './panels/live-region.ts';
import { startTheme } from './panels/theme.ts';
import { createToast } from './panels/toast.ts';
import { createSidebar } from './sidebar.ts';
import { createStatus } from './status/status.ts';
import { toWorld } from './viewport/geometry.ts';
import { watchRegion } from './viewport/region-watch.ts';
import { Viewport } from './viewport/viewport.ts';

/** Texts and figures are updated four times per second; faster changes are not readable. */
const sidebarIntervalMs = 250;

interface AppOptions {
  readonly gridSize: number;
  /** False for a token that may only read. */
  readonly canWrite: boolean;
  /** Called with the server's message when it requires a token or rejects the one sent. */
  readonly askForToken: (reason: string) => void;
}

export function startApp(client: FieldClient, { gridSize, canWrite, askForToken }: AppOptions): void {
  const canvas = byId('field', HTMLCanvasElement);
  const presence = presenceOf(client);
  const people = new People(() => client.deviceId);
  const nameOf = (device: string) => people.nameOf(device);
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
  let pastState: FieldView | undefined;
  // The devices that are present now were not necessarily present then.
  const showPointers = () => fieldCanvas.setPointers(pastState ? [] : people.present);
  presence.on((view) => {
    people.set(view);
    showPointers();
  });
  const checkRegion = watchRegion(viewport, (region) => client.setRegion(region));
  client.on('state', ({ region }) => checkRegion(region));
  startTooltips();
  startWelcome();
  document.documentElement.dataset.access = canWrite ? 'write' : 'read';
  const liveRegion = new LiveRegion();
  const showToast = createToast('notice');
  const showEffect = createToast('effect');
  let isStale = true;
  const markStale = () => {
    isStale = true;
    frames.request();
  };
  let history: History | undefined;
  const canEdit = () => canWrite && !history?.isShowingPast;
  const getState = () => pastState ?? client.state;
  const deps = {
    client,
    fieldCanvas,
    viewport,
    gridSize,
    people,
    liveRegion,
    getState,
    showEffect,
    canEdit,
  };
  const editing = createEditingTools({ ...deps, onChange: markStale });
  const status = createStatus({
    client,
    getPastVersion: () => (history?.isShowingPast ? (pastState?.version ?? 0) : undefined),
  });
  const { updateStats, particleCount } = status;
  const sidebar = createSidebar({ updateStats, liveRegion, nameOf, onSelect: (id) => editing.openCard(id) });
  /** Conflicts that arrive before the history is loaded await this. */
  const historyLoad = loadPart(() => import('./history.ts')).then((part) => {
    history = part?.createHistory({
      ...deps,
      editor: editing.editor,
      canWrite,
      showToast,
      onShow: (state) => {
        pastState = state;
        if (state) editing.cancel();
        showPointers();
        markStale();
        byId('tools', HTMLElement).toggleAttribute('inert', state !== undefined);
        updateSidebar();
      },
    });
    history?.setCurrent(client.state);
    return history;
  });
  const minimap = addViewControls({
    stage: byId('stage', HTMLElement),
    viewport,
    gridSize,
    announce: (text) => liveRegion.announce(text),
  });
  if (isGeographic(client.state.field, new URLSearchParams(location.search))) {
    void loadPart(() => import('./earth/coastline.ts')).then((part) => {
      fieldCanvas.land = part?.createLandPath();
      minimap.land = part?.createLandPath();
    });
  }
  const { tools } = editing;
  const ownCursor = new OwnCursor(presence);
  // Without an identity the cursor is not sent: the server refuses the presence of viewers.
  if (canWrite) {
    startIdentity((identity) => {
      ownCursor.identity = identity;
    });
  }
  attachPointer({
    canvas,
    fieldCanvas,
    viewport,
    tools,
    canEdit,
    onHover(point) {
      fieldCanvas.requestRedraw();
      ownCursor.move(point && toWorld(viewport.view, point));
    },
  });
  attachKeyboard({ canvas, fieldCanvas, viewport, tools, liveRegion, gridSize, canEdit });
  startSaveMenu({
    field: client.state.field,
    layers: [heat, canvas],
    read: (path) => client.read(path),
    shown: () => {
      const { version, lastUpdate } = getState();
      return { version, isPast: pastState !== undefined, time: lastUpdate };
    },
    onError: showToast,
  });
  startBottomSheets();
  startTheme(() => {
    fieldCanvas.recolor();
    sidebar.recolor();
  });

  let isHistoryRead = false;
  attachClientEvents(client, {
    isPast: () => pastState !== undefined,
    fieldCanvas,
    updateStats,
    particleCount,
    showToast,
    askForToken,
    onConflict: async (conflict) => (await historyLoad)?.addConflict(conflict),
    onOwnConflict: async (entry) => (await historyLoad)?.expectConflict(entry),
    onStateChange: markStale,
    onStatusChange: () => status.show(),
    onHeard: () => status.hear(),
    onHistoryStale: () => {
      isHistoryRead = false;
    },
  });

  async function readHistory(): Promise<void> {
    try {
      await (await historyLoad)?.load();
      await particleCount.load();
    } catch {
      // A status change triggers the next attempt, so a network failure needs no retry here.
    }
  }

  let lastFrame = 0;
  const drawFrame = (now: number) => {
    const state = editing.preview.applyTo(getState());
    if (isStale) {
      fieldCanvas.setState(state);
      minimap.setState(state, pastState !== undefined);
    }
    isStale = false;
    const isMoving = fieldCanvas.draw(now);
    const seconds = Math.min(maxFrameSeconds, (now - lastFrame) / 1000) * fieldCanvas.drift;
    lastFrame = now;
    sidebar.draw(seconds);
    minimap.draw();
    editing.draw();
    canvas.dataset.resting = String(!isMoving && seconds === 0);
    return isMoving || seconds > 0;
  };
  const updateSidebar = () => {
    if (document.hidden) return;
    const state = getState();
    const now = performance.now();
    const { isConnected } = status.check(now);
    sidebar.show({
      ...{ state, now, isConnected, people: people.present, activeNodes: presence.view.activeNodes },
      isPast: pastState !== undefined,
      totalParticles: particleCount.total,
    });
    editing.update();
    history?.setCurrent(client.state);
    if (!isHistoryRead && isConnected && client.state.version > 0) {
      isHistoryRead = true;
      void readHistory();
    }
    showEmptyState(state, isConnected && canWrite && !pastState);
    canvas.dataset.drawMs = fieldCanvas.frameTimes.medianMs?.toFixed(2) ?? '';
    canvas.dataset.draws = String(fieldCanvas.frameTimes.count);
    canvas.dataset.drawnParticles = String(fieldCanvas.frameTimes.particles);
  };
  updateSidebar();
  setInterval(updateSidebar, sidebarIntervalMs);
  frames.request();
}

/** Brings the client and the page together: what the client tells is shown, what is drawn is handed to the client. */
import type { ClientEvents, FieldClient, FieldView } from '../client/types.ts';
import { Stage } from './canvas/field-canvas.ts';
import type { ConflictPage } from './conflict-counter.ts';
import { byId } from './dom.ts';
import { findPlate } from './field-viewport.ts';
import { followKeyboard } from './input/keyboard.ts';
import { followPointer } from './input/pointer.ts';
import { Tools } from './input/tools.ts';
import { startSheet } from './panels/bottom-sheet.ts';
import { createConflicts, placeOf } from './panels/conflicts.ts';
import { showLink } from './panels/connection-status.ts';
import { showInvitation } from './panels/empty-state.ts';
import { addEventButtons } from './panels/event-buttons.ts';
import { Announcer } from './panels/live-region.ts';
import { startTheme } from './panels/theme.ts';
import { Timeline } from './panels/timeline.ts';
import { createNotice } from './panels/toast.ts';
import { median } from './rate.ts';
import { createReadings } from './sidebar.ts';
import { Traffic } from './update-stats.ts';

/** How often words and figures change: as fast as one can read. */
const readMs = 250;
/** A burst of changes, such as a file that is sent, is shown without a ring for each. */
const calmChanges = 12;

/** Starts all of the page. @param askForToken is told why the server lets nobody in without one. */
export function showLive(client: FieldClient, gridSize: number, askForToken: (reason: string) => void): void {
  const canvas = byId('field', HTMLCanvasElement);
  addEventButtons((type) => tools.emit(type));
  const stage = new Stage({ heat: byId('heat', HTMLCanvasElement), field: canvas, gridSize, findPlate });
  const tools = new Tools(stage, client, gridSize);
  const announcer = new Announcer();
  const traffic = new Traffic();
  const readings = createReadings(traffic, announcer);
  const notice = createNotice();
  const conflicts = createConflicts();
  const isAllowed = () => !timeline.isPast;
  let past: FieldView | undefined;
  let isPastKnown = false;
  let isStale = true;

  const timeline = new Timeline<FieldView>({
    readAt: (version) => client.read(`?at=${version}`),
    onShow: (state) => {
      past = state;
      isStale = true;
      byId('tools', HTMLElement).toggleAttribute('inert', state !== undefined);
    },
    onFail: (error) => notice(describePast(error)),
  });
  followPointer(canvas, stage, tools, isAllowed);
  followKeyboard({ canvas, stage, tools, announcer, gridSize, isAllowed });
  startSheet();
  startTheme(() => {
    stage.recolor();
    readings.recolor();
  });

  client.on('state', () => {
    isStale = true;
  });
  client.on('status', (status) => {
    showLink(client);
    isPastKnown = false;
    if (status !== 'live') traffic.forget();
  });
  client.on('problem', ({ code, message }) => {
    if (client.status === 'refused' || code === 'forbidden') askForToken(message);
    else if (code !== 'network') notice(message);
  });
  client.on('update', (entry) => {
    showLink(client);
    traffic.follow(entry, client.status === 'live', performance.now());
    if (entry.status !== 'refused') return;
    notice(`The server refused a change: ${entry.reason ?? 'it does not say why'}`);
    client.discard(entry);
  });
  client.on('conflict', (conflict) => {
    conflicts.add(conflict);
    stage.ripple('conflict', placeOf(conflict));
  });
  client.on('message', (message) => {
    if (message.type !== 'delta') return;
    traffic.count(message.updates.length, performance.now());
    // A delta that heals a gap tells that there were conflicts, but not which.
    const met = message.updates.filter(({ outcome }) => outcome === 'conflict').length;
    if (met > (message.conflicts?.length ?? 0)) isPastKnown = false;
    if (message.updates.some(({ device }) => device !== client.deviceId)) showChanges(stage, message);
  });

  /** What happened before this page came: the newest conflicts, and how far back the log is kept. */
  async function readPast(): Promise<void> {
    try {
      await conflicts.fill(() => client.read<ConflictPage>('/conflicts'));
      const { oldest } = await client.read<{ oldest: number }>(`/updates?after=${client.state.version}&limit=1`);
      timeline.setOldest(oldest);
    } catch {
      // What fails for the network is read when it is back.
    }
  }

  let lastRead = 0;
  const tick = (now: number) => {
    const state = past ?? client.state;
    if (isStale) stage.show(state);
    isStale = false;
    stage.draw(now);
    readings.draw(now);
    if (now - lastRead >= readMs) {
      lastRead = now;
      readings.show(state, now);
      timeline.setVersion(client.state.version);
      if (!isPastKnown && client.status === 'live' && client.state.version > 0) {
        isPastKnown = true;
        void readPast();
      }
      showLink(client);
      showInvitation(state, client.status === 'live');
      canvas.dataset.drawMs = median(stage.costs)?.toFixed(2) ?? '';
      canvas.dataset.draws = String(stage.costs.length);
    }
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}

type Delta = Extract<ClientEvents['message'], { type: 'delta' }>;

/** Rings where others have changed something; over the whole field if it was an event. */
function showChanges(stage: Stage, { changes }: Delta): void {
  const particles = Object.entries(changes.particles);
  const cells = Object.keys(changes.cells);
  if (particles.length + cells.length === 0) stage.ripple('event', 'field');
  if (particles.length <= calmChanges) {
    for (const [particle, state] of particles) if (state) stage.ripple('write', { particle });
  }
  const [cell] = cells;
  if (cell !== undefined) stage.ripple('write', { cell });
}

function describePast(error: unknown): string {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  return status === 410
    ? 'That far back is no longer kept: this is the present again'
    : 'The past cannot be read just now: this is the present again';
}

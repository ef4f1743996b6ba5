/** The screen reader's live region: immediate announcements, and a summary of the field when it has changed. */
import type { FieldView } from '../../client/types.ts';
import { byId, setText } from '../dom.ts';
import { formatRatio, pluralize } from '../format.ts';

const summaryIntervalMs = 15_000;
/** The announcement of an action must not be replaced by a summary for this long. */
const announcementMs = 5000;

export class LiveRegion {
  readonly #region = byId('announcer', HTMLElement);
  #lastSummary = '';
  #lastTime = 0;
  #lastAnnouncement = 0;

  announce(text: string): void {
    this.#lastAnnouncement = performance.now();
    setText(this.#region, text);
  }

  /** Announces a summary at most every 15 s, and only if its text has changed. @param now `performance.now()` */
  summarize(state: FieldView, activeNodes: number, now: number): void {
    if (now - this.#lastTime < summaryIntervalMs || now - this.#lastAnnouncement < announcementMs) return;
    const summary = describeState(state, activeNodes);
    if (summary === this.#lastSummary) return;
    this.#lastTime = now;
    this.#lastSummary = summary;
    this.announce(summary);
  }
}

function describeState({ memoryParticles, cells, globalResonance, region }: FieldView, activeNodes: number): string {
  const crystals = memoryParticles.filter(({ crystallized }) => crystallized).length;
  const warm = Object.values(cells).filter((value) => value > 0).length;
  return [
    `${pluralize(memoryParticles.length, 'particle')}, ${crystals} crystallized`,
    `${pluralize(warm, 'warm cell')}${region ? ' in view' : ''}`,
    `global resonance ${formatRatio(globalResonance)}`,
    `${pluralize(activeNodes, 'device')} online`,
  ].join('; ');
}

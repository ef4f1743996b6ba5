/** Says what the picture shows, for who cannot see it: at once when asked, else seldom, and only when it has changed. */
import type { FieldView } from '../../client/types.ts';
import { byId, setText } from '../dom.ts';
import { formatRatio, pluralize } from '../format.ts';

const summaryIntervalMs = 15_000;

export class LiveRegion {
  readonly #region = byId('announcer', HTMLElement);
  #lastSummary = '';
  #lastTime = 0;

  announce(text: string): void {
    setText(this.#region, text);
  }

  /** A summary of the field, at most every 15 s. */
  summarize(state: FieldView, now: number): void {
    if (now - this.#lastTime < summaryIntervalMs) return;
    const summary = describeState(state);
    if (summary === this.#lastSummary) return;
    this.#lastTime = now;
    this.#lastSummary = summary;
    this.announce(summary);
  }
}

function describeState({ memoryParticles, cells, globalResonance, activeNodes }: FieldView): string {
  const crystals = memoryParticles.filter(({ crystallized }) => crystallized).length;
  const warm = Object.values(cells).filter((value) => value > 0).length;
  return [
    `${pluralize(memoryParticles.length, 'particle')}, ${crystals} crystallized`,
    pluralize(warm, 'warm cell'),
    `global resonance ${formatRatio(globalResonance)}`,
    `${pluralize(activeNodes, 'device')} here`,
  ].join('; ');
}

/** Says what the picture shows, for who cannot see it: at once when asked, else seldom, and only when it has changed. */
import type { FieldView } from '../../client/types.ts';
import { byId, setText } from '../dom.ts';
import { formatShare, plural } from '../format.ts';

const everyMs = 15_000;

export class Announcer {
  readonly #region = byId('announcer', HTMLElement);
  #lastSummary = '';
  #lastTime = 0;

  say(text: string): void {
    setText(this.#region, text);
  }

  /** A summary of the field, at most every 15 s. */
  summarize(state: FieldView, now: number): void {
    if (now - this.#lastTime < everyMs) return;
    const summary = describeState(state);
    if (summary === this.#lastSummary) return;
    this.#lastTime = now;
    this.#lastSummary = summary;
    this.say(summary);
  }
}

function describeState({ memoryParticles, cells, globalResonance, activeNodes }: FieldView): string {
  const crystals = memoryParticles.filter(({ crystallized }) => crystallized).length;
  const warm = Object.values(cells).filter((value) => value > 0).length;
  return [
    `${plural(memoryParticles.length, 'particle')}, ${crystals} crystallized`,
    plural(warm, 'warm cell'),
    `global resonance ${formatShare(globalResonance)}`,
    `${plural(activeNodes, 'device')} here`,
  ].join('; ');
}

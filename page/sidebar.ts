/** Updates the readings beside the canvas: gauges, statistics, memories, and the summary for screen readers. */
import type { PresenceView } from '../client/presence/presence-of.ts';
import type { FieldView } from '../client/types.ts';
import { HarmonicsWave } from './canvas/harmonics-wave.ts';
import { readPalette } from './canvas/palette.ts';
import { byId, setText } from './dom.ts';
import { formatCount, formatMs, formatRate } from './format.ts';
import { createGauges } from './panels/gauges.ts';
import type { LiveRegion } from './panels/live-region.ts';
import { createMemories } from './panels/memories.ts';
import { createStats } from './panels/stats.ts';
import type { UpdateStats } from './update-stats.ts';

export interface Sidebar {
  /** @param now `performance.now()` */
  show(state: FieldView, presence: PresenceView, now: number): void;
  /** @param seconds by which the wave moves on; 0 while all is still */
  draw(seconds: number): void;
  recolor(): void;
}

export function createSidebar(updateStats: UpdateStats, liveRegion: LiveRegion): Sidebar {
  const showGauges = createGauges();
  const showStats = createStats();
  const showMemories = createMemories();
  const wave = new HarmonicsWave();
  let palette = readPalette(document.documentElement);
  return {
    show(state, { activeNodes }, now) {
      showGauges(state);
      showMemories(state.memoryParticles);
      showStats({
        devices: formatCount(activeNodes),
        particles: formatCount(state.memoryParticles.length),
        crystals: formatCount(state.memoryParticles.filter(({ crystallized }) => crystallized).length),
        cells: formatCount(Object.values(state.cells).filter((value) => value > 0).length),
        rate: formatRate(updateStats.perSecond(now)),
        lag: updateStats.medianLagMs === undefined ? '–' : formatMs(updateStats.medianLagMs),
      });
      wave.set(state.quantumFields[0]);
      liveRegion.summarize(state, activeNodes, now);
      setText(byId('name', HTMLElement), state.field);
    },
    draw: (seconds) => wave.draw(seconds, palette),
    recolor() {
      palette = readPalette(document.documentElement);
    },
  };
}

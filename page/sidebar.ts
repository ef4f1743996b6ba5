/** All that is read off the field beside the picture: gauges, figures, memories, and the summary that is spoken. */
import type { FieldView } from '../client/types.ts';
import { Wave } from './canvas/harmonics-wave.ts';
import { readPalette } from './canvas/palette.ts';
import { byId, setText } from './dom.ts';
import { formatCount, formatMs, formatRate } from './format.ts';
import { createMeters } from './panels/gauges.ts';
import type { Announcer } from './panels/live-region.ts';
import { createMemories } from './panels/memories.ts';
import { createFigures } from './panels/stats.ts';
import type { Traffic } from './update-stats.ts';

export interface Readings {
  /** @param now `performance.now()` */
  show(state: FieldView, now: number): void;
  draw(now: number): void;
  recolor(): void;
}

export function createReadings(traffic: Traffic, announcer: Announcer): Readings {
  const showMeters = createMeters();
  const showFigures = createFigures();
  const showMemories = createMemories();
  const wave = new Wave();
  let palette = readPalette(document.documentElement);
  return {
    show(state, now) {
      showMeters(state);
      showMemories(state.memoryParticles);
      showFigures({
        devices: formatCount(state.activeNodes),
        particles: formatCount(state.memoryParticles.length),
        crystals: formatCount(state.memoryParticles.filter(({ crystallized }) => crystallized).length),
        cells: formatCount(Object.values(state.cells).filter((value) => value > 0).length),
        rate: formatRate(traffic.perSecond(now)),
        lag: traffic.lag === undefined ? '–' : formatMs(traffic.lag),
      });
      wave.set(state.quantumFields[0]);
      announcer.summarize(state, now);
      setText(byId('name', HTMLElement), state.field);
    },
    draw: (now) => wave.draw(now / 1000, palette),
    recolor() {
      palette = readPalette(document.documentElement);
    },
  };
}

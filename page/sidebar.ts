/** Updates the readings beside the canvas: gauges, statistics, memories, and the summary for screen readers. */
import type { FieldView } from '../client/types.ts';
import { HarmonicsWave } from './canvas/harmonics-wave.ts';
import { readPalette } from './canvas/palette.ts';
import { byId, setText } from './dom.ts';
import { formatCount, formatMs, formatRate } from './format.ts';
import { createHereNow } from './identity/here-now.ts';
import type { Person } from './identity/people.ts';
import { createGauges } from './panels/gauges.ts';
import type { LiveRegion } from './panels/live-region.ts';
import { createMemories } from './panels/memories.ts';
import { createStats } from './panels/stats.ts';
import type { UpdateStats } from './status/update-stats.ts';

interface Reading {
  readonly state: FieldView;
  readonly people: readonly Person[];
  readonly activeNodes: number;
  /** Whether the state is an earlier one, so that no figures of the present are shown. */
  readonly isPast: boolean;
  readonly isConnected: boolean;
  /** How many particles the field has ever had, if that is known. */
  readonly totalParticles: number | undefined;
  /** `performance.now()` */
  readonly now: number;
}

export interface Sidebar {
  show(reading: Reading): void;
  /** @param seconds by which the wave moves on; 0 while it is still */
  draw(seconds: number): void;
  recolor(): void;
}

interface SidebarDeps {
  readonly updateStats: UpdateStats;
  readonly liveRegion: LiveRegion;
  readonly nameOf: (device: string) => string;
  readonly onSelect: (particle: string) => void;
}

const unknown = '–';

export function createSidebar({ updateStats, liveRegion, nameOf, onSelect }: SidebarDeps): Sidebar {
  const showGauges = createGauges();
  const showStats = createStats();
  const showMemories = createMemories(nameOf, onSelect);
  const showPeople = createHereNow();
  const wave = new HarmonicsWave();
  let palette = readPalette(document.documentElement);
  let [wasPast, wasKnown] = [false, false];
  return {
    show(reading) {
      const { state, people, activeNodes, isPast, isConnected, now } = reading;
      // The first state is not a change.
      showGauges(state, isPast === wasPast && !isPast && wasKnown);
      [wasPast, wasKnown] = [isPast, isConnected || state.version > 0];
      showMemories(state.memoryParticles);
      const isPresent = isConnected && !isPast;
      showPeople(isPresent ? people : []);
      setText(byId('now-heading', HTMLElement), isPast ? 'Then' : 'Now');
      const medianLagMs = isPast ? undefined : updateStats.medianLagMs;
      showStats(
        {
          devices: isPresent ? formatCount(activeNodes) : unknown,
          particles: formatCount(state.memoryParticles.length),
          crystals: formatCount(state.memoryParticles.filter(({ crystallized }) => crystallized).length),
          cells: formatCount(Object.values(state.cells).filter((value) => value > 0).length),
          rate: isPresent ? formatRate(updateStats.perSecond(now)) : unknown,
          lag: medianLagMs === undefined ? unknown : formatMs(medianLagMs),
        },
        describeFigures(reading, medianLagMs),
      );
      wave.set(state.quantumFields[0]);
      if (!isPast) liveRegion.summarize(state, activeNodes, now);
      setText(byId('name', HTMLElement), state.field);
    },
    draw: (seconds) => wave.draw(seconds, palette),
    recolor() {
      palette = readPalette(document.documentElement);
    },
  };
}

/** Near the limit, the field may have evicted particles. */
const nearlyFull = 800;

function describeFigures({ state, isPast, totalParticles }: Reading, lagMs: number | undefined) {
  const { length } = state.memoryParticles;
  const isFull = length >= nearlyFull;
  const held =
    totalParticles !== undefined && totalParticles > length
      ? `held of ${formatCount(totalParticles)}`
      : 'held, 1,000 at most';
  const inView = state.region === undefined ? '' : ' in view';
  return {
    particles: inView ? `particles${inView}` : `particles${isFull ? ` ${isPast ? 'held then' : held}` : ''}`,
    ...(inView && { crystals: `crystallized${inView}`, cells: `warm cells${inView}` }),
    ...(lagMs === undefined && { lag: 'latency of your changes' }),
  };
}

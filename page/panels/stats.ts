/** The statistics list: counts, update rate and latency. Keys are the `data-figure` attributes of the values. */
import { byId, createElement, setText } from '../dom.ts';
import { createTerm } from '../help/tooltip.ts';

const labels = {
  devices: 'devices online',
  particles: 'particles',
  crystals: 'crystallized',
  cells: 'warm cells',
  rate: 'updates per second',
  lag: 'latency',
} as const;

type Figure = keyof typeof labels;
export type Stats = Readonly<Record<Figure, string>>;

/** @returns a function that shows the figures; `notes` replace labels */
export function createStats(): (stats: Stats, notes: Partial<Stats>) => void {
  const list = byId('figures', HTMLDListElement);
  const keys = Object.keys(labels) as Figure[];
  const shown = keys.map((key) => {
    const figure = createElement('dd', { text: '–' });
    figure.dataset.figure = key;
    const term = createTerm(labels[key], key);
    list.append(createElement('div', {}, createElement('dt', {}, term), figure));
    return [key, figure, term] as const;
  });
  return (figures, notes) => {
    for (const [key, figure, term] of shown) {
      setText(figure, figures[key]);
      setText(term, notes[key] ?? labels[key]);
    }
  };
}

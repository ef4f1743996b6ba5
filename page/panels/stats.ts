/** The statistics list: counts, update rate and latency. Keys are the `data-figure` attributes of the values. */
import { byId, createElement, setText } from '../dom.ts';

const labels = {
  devices: 'devices online',
  particles: 'particles',
  crystals: 'crystallized',
  cells: 'warm cells',
  rate: 'updates per second',
  lag: 'latency',
} as const;

export type Stats = Readonly<Record<keyof typeof labels, string>>;

export function createStats(): (stats: Stats) => void {
  const list = byId('figures', HTMLDListElement);
  const keys = Object.keys(labels) as (keyof typeof labels)[];
  const shown = keys.map((key) => {
    const figure = createElement('dd', { text: '–' });
    figure.dataset.figure = key;
    list.append(createElement('div', {}, createElement('dt', { text: labels[key] }), figure));
    return [key, figure] as const;
  });
  return (figures) => {
    for (const [key, figure] of shown) setText(figure, figures[key]);
  };
}

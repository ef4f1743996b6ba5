/** What goes on just now, in plain figures. */
import { byId, create, setText } from '../dom.ts';

const names = {
  devices: 'devices here',
  particles: 'particles',
  crystals: 'crystallized',
  cells: 'warm cells',
  rate: 'updates a second',
  lag: 'until seen',
} as const;

export type Figures = Readonly<Record<keyof typeof names, string>>;

export function createFigures(): (figures: Figures) => void {
  const list = byId('figures', HTMLDListElement);
  const keys = Object.keys(names) as (keyof typeof names)[];
  const shown = keys.map((key) => {
    const figure = create('dd', { text: '–' });
    figure.dataset.figure = key;
    list.append(create('div', {}, create('dt', { text: names[key] }), figure));
    return [key, figure] as const;
  });
  return (figures) => {
    for (const [key, figure] of shown) setText(figure, figures[key]);
  };
}

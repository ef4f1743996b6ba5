/** The list of the people who are present, by name. */
import { byId, createElement, setText } from '../dom.ts';
import type { Person } from './people.ts';

const maxShown = 12;

export function createHereNow(): (people: readonly Person[]) => void {
  const list = byId('people', HTMLUListElement);
  let shown = '';
  return (people) => {
    const ordered = [...people].sort((a, b) => Number(b.isSelf) - Number(a.isSelf) || a.name.localeCompare(b.name));
    const key = JSON.stringify(ordered.map(({ name, color }) => [name, color]));
    if (key === shown) return;
    shown = key;
    const items = ordered.slice(0, maxShown).map(({ name, color }) => {
      const label = createElement('span');
      setText(label, name);
      return createElement('li', {}, createElement('i', { className: `person-dot ${color}` }), label);
    });
    const rest = ordered.length - items.length;
    list.replaceChildren(...items, ...(rest > 0 ? [createElement('li', { text: `and ${rest} more` })] : []));
  };
}

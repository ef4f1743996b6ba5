/** The newest particles with content, each as a button that selects it. The content is untrusted and is set as text only. */
import type { FieldView } from '../../client/types.ts';
import { byId, createElement } from '../dom.ts';
import { truncate } from '../format.ts';

type Particle = FieldView['memoryParticles'][number];

const shownMemories = 4;

export function createMemories(
  nameOf: (device: string) => string,
  onSelect: (particle: string) => void,
): (particles: readonly Particle[]) => void {
  const list = byId('memories', HTMLOListElement);
  let known = new Set<string>();
  let shown = '';
  return (particles) => {
    const newest = particles
      .filter(({ content }) => content)
      .sort((a, b) => b.timestamp - a.timestamp)
      .slice(0, shownMemories);
    const key = JSON.stringify(newest.map(({ id, content, device }) => [id, content, device && nameOf(device)]));
    if (key === shown) return;
    shown = key;
    const items = newest.map((particle) => {
      const { id, content = '', device } = particle;
      const button = createElement('button', { className: 'memory', text: truncate(content) });
      button.type = 'button';
      button.append(createElement('span', { className: 'meta', text: device ? nameOf(device) : 'you' }));
      button.addEventListener('click', () => onSelect(id));
      return createElement('li', { className: known.size > 0 && !known.has(id) ? 'new' : '' }, button);
    });
    const none = createElement(
      'li',
      {},
      createElement('span', { className: 'none', text: 'No particle has a text yet' }),
    );
    list.replaceChildren(...(items.length > 0 ? items : [none]));
    known = new Set(newest.map(({ id }) => id));
  };
}

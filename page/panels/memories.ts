/** The newest particles with content. The content is untrusted and is set as text only. */
import type { FieldView } from '../../client/types.ts';
import { byId, createElement } from '../dom.ts';
import { formatDevice, truncate } from '../format.ts';

type Particle = FieldView['memoryParticles'][number];

const shownMemories = 4;

export function createMemories(): (particles: readonly Particle[]) => void {
  const list = byId('memories', HTMLOListElement);
  let shown: readonly Particle[] = [];
  return (particles) => {
    const newest = particles
      .filter(({ content }) => content)
      .sort((a, b) => b.timestamp - a.timestamp)
      .slice(0, shownMemories);
    if (newest.length === shown.length && newest.every((particle, index) => isSame(particle, shown[index]))) return;
    const known = new Set(shown.map(({ id }) => id));
    shown = newest;
    list.replaceChildren(...newest.map((particle) => describe(particle, known.size > 0 && !known.has(particle.id))));
  };
}

function isSame(a: Particle, b: Particle | undefined): boolean {
  return a.id === b?.id && a.content === b.content && a.device === b.device;
}

function describe({ content = '', device }: Particle, isNew: boolean): HTMLLIElement {
  const meta = createElement('span', { className: 'meta', text: formatDevice(device) });
  return createElement('li', { className: isNew ? 'new' : '', text: truncate(content) }, meta);
}

/** The card of a field in the gallery: a link with picture, name and figures, and a button that pins it. */
import { createElement, setText } from '../dom.ts';
import { pluralize } from '../format.ts';
import { fieldAddress } from '../sharing/address.ts';
import type { PicturedState } from './draw-picture.ts';
import type { FieldSummary } from './list-fields.ts';

/** In pixels of the canvas; the style sheet scales it. */
const pictureSize = { width: 320, height: 200 };

export interface FieldCard {
  readonly field: string;
  readonly element: HTMLLIElement;
  readonly canvas: HTMLCanvasElement;
  /** @param summary undefined for a pinned field that is not in the list */
  show(summary: FieldSummary | undefined, isPinned: boolean): void;
  /** Shows the figures of a state, since those of the list may be some seconds old. */
  count(state: PicturedState): void;
}

export function createFieldCard(field: string, isCurrent: boolean, onPin: () => void): FieldCard {
  const canvas = createElement('canvas', {});
  Object.assign(canvas, pictureSize);
  canvas.setAttribute('aria-hidden', 'true');
  const figures = createElement('small', {});
  const link = createElement('a', {}, canvas, createElement('b', { text: field }), figures);
  link.href = fieldAddress(field);
  if (isCurrent) link.setAttribute('aria-current', 'page');
  const pin = createElement('button', { className: 'pin' });
  pin.type = 'button';
  pin.setAttribute('aria-label', `Pin ${field}`);
  pin.addEventListener('click', () => {
    onPin();
    // The card may have moved, which takes the focus away.
    pin.focus();
  });
  const element = createElement('li', {}, link, pin);
  let listed: FieldSummary | undefined;
  let counted: Pick<FieldSummary, 'particles' | 'cells'> | undefined;
  const showFigures = () => setText(figures, listed ? describe({ ...listed, ...counted }) : '');
  return {
    field,
    element,
    canvas,
    show(summary, isPinned) {
      pin.setAttribute('aria-pressed', String(isPinned));
      setText(pin, isPinned ? '★' : '☆');
      listed = summary;
      showFigures();
    },
    count({ memoryParticles, cells }) {
      counted = { particles: memoryParticles.length, cells: Object.values(cells).filter((value) => value > 0).length };
      showFigures();
    },
  };
}

function describe({ particles, cells, devices, lastUpdate }: FieldSummary): string {
  const content = particles > 0 ? pluralize(particles, 'particle') : pluralize(cells, 'cell');
  return [content, pluralize(devices, 'device'), describeAge(Date.now() - lastUpdate)].join(' · ');
}

const relativeTime = new Intl.RelativeTimeFormat('en', { style: 'short' });
const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

function describeAge(ms: number): string {
  const [unit, length] = units.find(([, unitMs]) => ms >= unitMs) ?? [];
  return unit && length ? relativeTime.format(-Math.floor(ms / length), unit) : 'just now';
}

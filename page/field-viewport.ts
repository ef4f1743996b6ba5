/** Measures the part of the window that the header, footer and readings leave free for the field. */

import { byId } from './dom.ts';
import type { Rect } from './viewport/geometry.ts';

const gap = 26;
const minSize = 120;

export function measureFrame(): Rect {
  const head = document.querySelector('header')?.getBoundingClientRect();
  const foot = document.querySelector('footer')?.getBoundingClientRect();
  const readings = byId('readings', HTMLElement).getBoundingClientRect();
  // On a narrow screen the readings are a bottom sheet over the field and take no width.
  const isSheet = byId('details', HTMLElement).offsetParent !== null;
  const right = isSheet ? innerWidth : byId('events', HTMLElement).getBoundingClientRect().left;
  const left = (isSheet ? 0 : readings.right + gap) + gap;
  const top = (head?.bottom ?? 0) + gap;
  return {
    x: left,
    y: top,
    width: Math.max(minSize, right - left - gap),
    height: Math.max(minSize, (foot?.top ?? innerHeight) - top - gap),
  };
}

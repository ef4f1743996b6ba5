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
  const events = byId('events', HTMLElement);
  const eventsRect = events.getBoundingClientRect();
  // The events are a column beside the field only in a wide and high window. Users who may only read have none.
  const isColumn = eventsRect.width > 0 && getComputedStyle(events).position === 'fixed';
  const right = isColumn ? eventsRect.left : innerWidth;
  const left = (isSheet ? 0 : readings.right + gap) + gap;
  const top = (head?.bottom ?? 0) + gap;
  return {
    x: left,
    y: top,
    width: Math.max(minSize, right - left - gap),
    height: Math.max(minSize, (foot?.top ?? innerHeight) - top - gap),
  };
}

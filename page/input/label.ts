/** The label of the particle under the pointer. */
import type { FieldCanvas } from '../canvas/field-canvas.ts';
import { byId, setText } from '../dom.ts';
import { truncate } from '../format.ts';
import type { Point } from '../viewport/geometry.ts';

const hoverRadius = 26;

/** Shows the label of the particle nearest to a point of the screen, or none. */
export function showLabel(fieldCanvas: FieldCanvas, point: Point): void {
  const label = byId('label', HTMLElement);
  const nearest = fieldCanvas.findNearest(point, hoverRadius);
  label.classList.toggle('shown', nearest !== undefined);
  if (!nearest) return;
  const { content, id, resonance, crystallized } = nearest.particle;
  setText(label, `${truncate(content || id)} · ${resonance.toFixed(2)}${crystallized ? ', crystallized' : ''}`);
  const x = Math.min(nearest.screenX + 14, innerWidth - label.offsetWidth - 8);
  const y = Math.min(nearest.screenY + 12, innerHeight - label.offsetHeight - 8);
  label.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
}

export function hideLabel(): void {
  byId('label', HTMLElement).classList.remove('shown');
}

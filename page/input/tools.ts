/** The editing tools: add, move and remove particles, paint heat, send events. */
import type { EventType } from '../../shared/field/update.ts';
import type { FieldCanvas } from '../canvas/field-canvas.ts';
import { byId } from '../dom.ts';
import { cellsBetween, type Point, toCell, toWorld } from '../viewport/geometry.ts';

export type ToolMode = 'particle' | 'heat' | 'remove';

/** The methods of the client that the tools call. */
interface FieldActions {
  putParticle(id: string, attributes: Attributes): unknown;
  removeParticle(id: string): unknown;
  setCells(cells: readonly { readonly x: number; readonly y: number; readonly value: number }[]): unknown;
  emit(type: EventType, intensity?: number): unknown;
}
interface Attributes {
  readonly position: Point;
  readonly resonance?: number;
  readonly connections?: readonly string[];
}

/** Hit radius in pixels, large enough for a finger. */
export const grabRadius = 22;
const maxNewConnections = 3;
const connectRadius = 260;
/** A stroke in progress is sent at this interval. */
const strokeIntervalMs = 90;
/** Heat of the four cells around the brush's center, relative to it. */
const brushFalloff = 0.55;

export class Tools {
  readonly #fieldCanvas: FieldCanvas;
  readonly #actions: FieldActions;
  readonly #gridSize: number;
  readonly #strength = byId('strength', HTMLInputElement);
  readonly #stroke = new Map<string, { readonly x: number; readonly y: number; readonly value: number }>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(fieldCanvas: FieldCanvas, actions: FieldActions, gridSize: number) {
    this.#fieldCanvas = fieldCanvas;
    this.#actions = actions;
    this.#gridSize = gridSize;
  }

  get mode(): ToolMode {
    const chosen = document.querySelector('input[name=mode]:checked');
    return chosen instanceof HTMLInputElement ? (chosen.value as ToolMode) : 'particle';
  }

  /** Applies the selected tool once at a point of the screen. */
  apply(point: Point): void {
    if (this.mode === 'particle') this.#addParticle(point);
    else if (this.mode === 'heat' || !this.removeNearest(point, grabRadius)) this.paint(point, point);
  }

  /** Paints, or clears, the cells between two points of the screen. */
  paint(from: Point, to: Point): void {
    const { view } = this.#fieldCanvas;
    const [start, end] = [toCell(view, this.#gridSize, from), toCell(view, this.#gridSize, to)];
    if (!end) return;
    for (const cell of cellsBetween(start ?? end, end)) this.#brush(cell);
    this.#timer ??= setTimeout(() => this.endStroke(), strokeIntervalMs);
  }

  /** Sends the cells painted so far. */
  endStroke(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#stroke.size > 0) this.#actions.setCells([...this.#stroke.values()]);
    this.#stroke.clear();
  }

  move(id: string, point: Point): void {
    this.#actions.putParticle(id, { position: toWorld(this.#fieldCanvas.view, point) });
  }

  emit(type: EventType): void {
    this.#actions.emit(type, this.#strength.valueAsNumber);
    this.#fieldCanvas.ripple('event', 'field');
  }

  removeNearest(point: Point, maxDistance: number): string | undefined {
    const nearest = this.#fieldCanvas.findNearest(point, maxDistance);
    if (nearest) this.#actions.removeParticle(nearest.particle.id);
    return nearest?.particle.id;
  }

  #addParticle(point: Point): void {
    const id = `p-${crypto.getRandomValues(new Uint32Array(2)).join('-')}`;
    const position = toWorld(this.#fieldCanvas.view, point);
    const connections = this.#fieldCanvas.findNeighbours(position, maxNewConnections, connectRadius);
    this.#actions.putParticle(id, { position, resonance: this.#strength.valueAsNumber, connections });
    this.#fieldCanvas.ripple('write', { particle: id });
  }

  /** Paints a cell and its four neighbours. Heat only rises, except with the remove tool, which clears. */
  #brush({ x, y }: Point): void {
    const isClearing = this.mode === 'remove';
    const value = isClearing ? 0 : this.#strength.valueAsNumber;
    for (const [dx, dy] of [
      [0, 0],
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ] as const) {
      const cell = { x: x + dx, y: y + dy };
      if (cell.x < 0 || cell.y < 0 || cell.x >= this.#gridSize || cell.y >= this.#gridSize) continue;
      const key = `${cell.x},${cell.y}`;
      const isCenter = dx === 0 && dy === 0;
      const targetValue = isCenter || isClearing ? value : Math.round(value * brushFalloff * 100) / 100;
      const current = this.#stroke.get(key)?.value ?? this.#fieldCanvas.heatAt(cell);
      if (isCenter ? current !== targetValue : isClearing ? current > 0 : current < targetValue) {
        this.#stroke.set(key, { ...cell, value: targetValue });
      }
    }
  }
}

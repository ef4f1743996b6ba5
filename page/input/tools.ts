/** The tools and what they do to the field: make, move and remove particles, paint heat, send events. */
import type { EventType } from '../../shared/field/update.ts';
import type { Stage } from '../canvas/field-canvas.ts';
import { cellsBetween, type Point, toCell, toWorld } from '../canvas/geometry.ts';
import { byId } from '../dom.ts';

export type Mode = 'particle' | 'heat' | 'remove';

/** What the tools need of the client. */
interface Hand {
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

/** A finger is wider than a pointer; this suits both. */
export const grabRadius = 22;
const newConnections = 3;
const connectWithin = 260;
/** How often a stroke is sent while it goes on. */
const strokeMs = 90;
/** What the brush leaves beside its middle. */
const besides = 0.55;

export class Tools {
  readonly #stage: Stage;
  readonly #hand: Hand;
  readonly #gridSize: number;
  readonly #strength = byId('strength', HTMLInputElement);
  readonly #stroke = new Map<string, { readonly x: number; readonly y: number; readonly value: number }>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(stage: Stage, hand: Hand, gridSize: number) {
    this.#stage = stage;
    this.#hand = hand;
    this.#gridSize = gridSize;
  }

  get mode(): Mode {
    const chosen = document.querySelector('input[name=mode]:checked');
    return chosen instanceof HTMLInputElement ? (chosen.value as Mode) : 'particle';
  }

  /** The chosen tool, once, at a point of the screen. */
  use(point: Point): void {
    if (this.mode === 'particle') this.#makeParticle(point);
    else if (this.mode === 'heat' || !this.removeNearest(point, grabRadius)) this.paint(point, point);
  }

  /** Paints, or clears, the cells between two points of the screen. */
  paint(from: Point, to: Point): void {
    const { view } = this.#stage;
    const [start, end] = [toCell(view, this.#gridSize, from), toCell(view, this.#gridSize, to)];
    if (!end) return;
    for (const cell of cellsBetween(start ?? end, end)) this.#brush(cell);
    this.#timer ??= setTimeout(() => this.endStroke(), strokeMs);
  }

  /** Sends what has been painted so far. */
  endStroke(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#stroke.size > 0) this.#hand.setCells([...this.#stroke.values()]);
    this.#stroke.clear();
  }

  move(id: string, point: Point): void {
    this.#hand.putParticle(id, { position: toWorld(this.#stage.view, point) });
  }

  emit(type: EventType): void {
    this.#hand.emit(type, this.#strength.valueAsNumber);
    this.#stage.ripple('event', 'field');
  }

  removeNearest(point: Point, within: number): string | undefined {
    const body = this.#stage.nearest(point, within);
    if (body) this.#hand.removeParticle(body.particle.id);
    return body?.particle.id;
  }

  #makeParticle(point: Point): void {
    const id = `p-${crypto.getRandomValues(new Uint32Array(2)).join('-')}`;
    const position = toWorld(this.#stage.view, point);
    const connections = this.#stage.neighbours(position, newConnections, connectWithin);
    this.#hand.putParticle(id, { position, resonance: this.#strength.valueAsNumber, connections });
    this.#stage.ripple('write', { particle: id });
  }

  /** A soft round of cells. Never makes cooler what is warmer, unless it clears. */
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
      const isMiddle = dx === 0 && dy === 0;
      const wanted = isMiddle || isClearing ? value : Math.round(value * besides * 100) / 100;
      const current = this.#stroke.get(key)?.value ?? this.#stage.heatAt(cell);
      if (isMiddle ? current !== wanted : isClearing ? current > 0 : current < wanted) {
        this.#stroke.set(key, { ...cell, value: wanted });
      }
    }
  }
}

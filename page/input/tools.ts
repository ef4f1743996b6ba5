/** The editing tools: add, move and remove particles, paint heat. */
import type { FieldEditor } from '../../client/editing/editor.ts';
import type { FieldCanvas } from '../canvas/field-canvas.ts';
import { byId, setText } from '../dom.ts';
import { cellsBetween, type Point, toCell, toWorld } from '../viewport/geometry.ts';
import { Flick } from './flick.ts';

export type ToolMode = 'particle' | 'heat' | 'remove';

export interface ToolsDeps {
  readonly fieldCanvas: FieldCanvas;
  readonly editor: Pick<FieldEditor, 'putParticle' | 'removeParticle' | 'setCells' | 'beginStep'>;
  readonly gridSize: number;
  readonly onAdd: (id: string, point: Point) => void;
  readonly onPress: (id: string) => void;
  /** A particle is to be connected. */
  readonly onConnect: (id: string) => void;
  /** The empty field was pressed. @returns whether that ended another action, so that no tool is applied */
  readonly onEmptyPress: () => boolean;
  /** A particle is being moved; without a position, the move has ended. */
  readonly onMove: (id: string, position: Point | undefined) => void;
}

/** Hit radius in pixels, large enough for a finger. */
export const grabRadius = 22;
const maxNewConnections = 3;
const connectRadius = 260;
/** The interval at which a stroke in progress is sent. */
const strokeIntervalMs = 90;
/** The heat of the four cells around the brush's center, relative to it. */
const brushFalloff = 0.55;

export class Tools {
  readonly #deps: ToolsDeps;
  readonly #strength = byId('strength', HTMLInputElement);
  readonly #stroke = new Map<string, { readonly x: number; readonly y: number; readonly value: number }>();
  readonly #flick = new Flick();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Ends the step of a stroke in progress, which is undone as a whole. */
  #endStep: (() => void) | undefined;

  constructor(deps: ToolsDeps) {
    this.#deps = deps;
    const shown = byId('strength-value', HTMLOutputElement);
    this.#strength.addEventListener('input', () => setText(shown, this.intensity.toFixed(2)));
  }

  get mode(): ToolMode {
    const chosen = document.querySelector('input[name=mode]:checked');
    return chosen instanceof HTMLInputElement ? (chosen.value as ToolMode) : 'particle';
  }

  /** The resonance of new particles, the value of painted heat, and the intensity of events. */
  get intensity(): number {
    return this.#strength.valueAsNumber;
  }

  /** Applies the selected tool once at a point of the screen. @returns a description of the result */
  apply(point: Point): string {
    if (this.#deps.onEmptyPress()) return 'Cancelled';
    if (this.mode === 'particle') {
      this.#addParticle(point);
      return 'Particle added';
    }
    const removed = this.mode === 'remove' ? this.removeNearest(point, grabRadius) : undefined;
    if (removed !== undefined) return `Removed ${removed}`;
    if (!this.paint(point, point)) return 'Nothing is there: this is outside of the grid';
    return this.mode === 'heat' ? 'Heat painted' : 'Heat removed';
  }

  press(id: string): void {
    this.#deps.onPress(id);
  }

  connect(id: string): void {
    this.#deps.onConnect(id);
  }

  /** Paints, or clears, the cells between two points of the screen. @returns whether the second is in the grid */
  paint(from: Point, to: Point): boolean {
    const { fieldCanvas, gridSize, editor } = this.#deps;
    const [start, end] = [toCell(fieldCanvas.view, gridSize, from), toCell(fieldCanvas.view, gridSize, to)];
    if (!end) return false;
    this.#endStep ??= editor.beginStep();
    for (const cell of cellsBetween(start ?? end, end)) this.#brush(cell);
    this.#timer ??= setTimeout(() => this.#sendStroke(), strokeIntervalMs);
    return true;
  }

  /** Sends the rest of the stroke. */
  endStroke(): void {
    this.#sendStroke();
    this.#endStep?.();
    this.#endStep = undefined;
  }

  #sendStroke(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#stroke.size > 0) this.#deps.editor.setCells([...this.#stroke.values()]);
    this.#stroke.clear();
  }

  /** Shows a dragged particle at its new position. */
  preview(id: string, point: Point): void {
    const position = toWorld(this.#deps.fieldCanvas.view, point);
    this.#flick.add(position, performance.now());
    this.#deps.onMove(id, position);
  }

  /** Puts a particle down. A flicked particle keeps moving; one that is put down slowly rests. */
  move(id: string, point: Point): void {
    const position = toWorld(this.#deps.fieldCanvas.view, point);
    const velocity = this.#flick.end(performance.now());
    this.#deps.editor.putParticle(id, { position, velocity });
    this.#deps.onMove(id, undefined);
  }

  /** The drag was interrupted. */
  cancelMove(id: string): void {
    this.#flick.end(performance.now());
    this.#deps.onMove(id, undefined);
  }

  removeNearest(point: Point, maxDistance: number): string | undefined {
    const nearest = this.#deps.fieldCanvas.findNearest(point, maxDistance)?.particle;
    if (nearest) this.#deps.editor.removeParticle(nearest.id);
    return nearest && (nearest.content || nearest.id);
  }

  #addParticle(point: Point): void {
    const { fieldCanvas, editor, onAdd } = this.#deps;
    const id = `p-${crypto.getRandomValues(new Uint32Array(2)).join('-')}`;
    const position = toWorld(fieldCanvas.view, point);
    const connections = fieldCanvas.findNeighbours(position, maxNewConnections, connectRadius);
    editor.putParticle(id, { position, resonance: this.intensity, connections });
    fieldCanvas.ripple('write', { particle: id });
    onAdd(id, point);
  }

  /** Paints a cell and its four neighbours. Heat only rises, except with the remove tool, which clears. */
  #brush({ x, y }: Point): void {
    const { fieldCanvas, gridSize } = this.#deps;
    const isClearing = this.mode === 'remove';
    const value = isClearing ? 0 : this.intensity;
    for (const [dx, dy] of [
      [0, 0],
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ] as const) {
      const cell = { x: x + dx, y: y + dy };
      if (cell.x < 0 || cell.y < 0 || cell.x >= gridSize || cell.y >= gridSize) continue;
      const key = `${cell.x},${cell.y}`;
      const isCenter = dx === 0 && dy === 0;
      const targetValue = isCenter || isClearing ? value : Math.round(value * brushFalloff * 100) / 100;
      const current = this.#stroke.get(key)?.value ?? fieldCanvas.heatAt(cell);
      if (isCenter ? current !== targetValue : isClearing ? current > 0 : current < targetValue) {
        this.#stroke.set(key, { ...cell, value: targetValue });
      }
    }
  }
}

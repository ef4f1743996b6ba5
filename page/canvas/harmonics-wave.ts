/** Draws a quantum field's harmonics as a standing wave: amplitude shows its strength, and the spread of strands its loss of coherence. */
import type { FieldView } from '../../client/types.ts';
import { byId } from '../dom.ts';
import { type Palette, toCssColor } from './palette.ts';

type QuantumField = FieldView['quantumFields'][number];

const strands = 4;
const maxHarmonics = 7;

export class HarmonicsWave {
  readonly #canvas = byId('wave', HTMLCanvasElement);
  #field: QuantumField | undefined;
  #palette: Palette | undefined;
  #isStale = true;
  /** Seconds of motion so far. */
  #time = 0;

  constructor() {
    // Also called when a closed bottom sheet is opened, which gives the canvas its size.
    new ResizeObserver(() => {
      this.#isStale = true;
      this.draw(0, this.#palette);
    }).observe(this.#canvas);
  }

  set(field: QuantumField | undefined): void {
    this.#isStale ||= field !== this.#field;
    this.#field = field;
  }

  /** Draws the wave if it has changed or moves. @param seconds by which it moves on; 0 while it is still */
  draw(seconds: number, palette: Palette | undefined): void {
    this.#isStale ||= palette !== this.#palette || seconds > 0;
    this.#palette = palette;
    if (!this.#isStale || !palette || !this.#field) return;
    this.#time += seconds;
    const context = this.#canvas.getContext('2d');
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (!context || width === 0) return;
    this.#isStale = false;
    const scale = Math.min(2, devicePixelRatio);
    if (this.#canvas.width !== Math.round(width * scale)) {
      this.#canvas.width = Math.round(width * scale);
      this.#canvas.height = Math.round(height * scale);
    }
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    for (let strand = strands - 1; strand >= 0; strand -= 1) {
      context.strokeStyle = toCssColor(strand === 0 ? palette.warm : palette.cool, strand === 0 ? 0.95 : 0.4 / strand);
      context.lineWidth = strand === 0 ? 1.5 : 1;
      context.beginPath();
      for (let x = 0; x <= width; x += 3) {
        context.lineTo(x, height / 2 - heightAt(this.#field, x / width, this.#time, strand) * height * 0.44);
      }
      context.stroke();
    }
  }
}

/** The height, about −1 to 1, at `position` (0 to 1). Strands diverge as coherence falls. */
function heightAt(
  { harmonics, strength, coherence }: QuantumField,
  position: number,
  time: number,
  strand: number,
): number {
  const drawn = harmonics.slice(0, maxHarmonics);
  const drift = strand * (0.25 + (1 - coherence) * 1.1);
  const sum = drawn.reduce((total, harmonic, index) => {
    const cycles = Math.min(9, Math.abs(harmonic)) || 1;
    return total + Math.sin(position * Math.PI * 2 * cycles + time * (0.5 + index * 0.17) + drift) / (index + 1);
  }, 0);
  const envelope = Math.sin(Math.PI * position);
  return ((0.4 + 0.6 * strength) * envelope * sum) / 1.9;
}

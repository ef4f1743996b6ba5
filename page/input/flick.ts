/** The speed with which a drag ends. Pure: the caller passes the time. */
import type { Point } from '../viewport/geometry.ts';

const windowMs = 100;
/** Grid units per second that give a velocity of 1. */
const unitsPerVelocity = 15;
/** A drag that ends more slowly puts the particle down. */
const minVelocity = 0.3;
const maxVelocity = 3;

export class Flick {
  #path: { readonly position: Point; readonly time: number }[] = [];

  add(position: Point, time: number): void {
    this.#path = [...this.#path.filter((point) => time - point.time < windowMs), { position, time }];
  }

  /** Ends the drag. @returns the velocity that the particle gets */
  end(time: number): Point {
    const path = this.#path.filter((point) => time - point.time < windowMs);
    this.#path = [];
    const [first, last] = [path[0], path.at(-1)];
    if (!first || !last || last.time === first.time) return { x: 0, y: 0 };
    const factor = 1000 / (last.time - first.time) / unitsPerVelocity;
    const x = (last.position.x - first.position.x) * factor;
    const y = (last.position.y - first.position.y) * factor;
    const speed = Math.hypot(x, y);
    if (speed < minVelocity) return { x: 0, y: 0 };
    const scale = Math.min(1, maxVelocity / speed);
    return { x: Math.round(x * scale * 100) / 100, y: Math.round(y * scale * 100) / 100 };
  }
}

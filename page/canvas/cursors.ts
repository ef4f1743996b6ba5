/** The pointers of other devices, each with its name. Each device's bitmap is drawn once; frames only copy it. */
import type { Point, View } from '../viewport/geometry.ts';
import { type Palette, toCssColor } from './palette.ts';

const easePerSecond = 12;
const settledPixels = 0.3;
/** More names than this would cover the field. */
const maxNames = 30;
const [bitmapWidth, bitmapHeight] = [150, 34];
const maxNameWidth = 110;

/** A device to show. Its name, color and position have been validated. */
export interface Pointer {
  readonly device: string;
  readonly name: string;
  /** A key of the palette's `people`. */
  readonly color: string;
  readonly position: Point | undefined;
  readonly isSelf: boolean;
}

interface Cursor {
  name: string;
  color: string;
  x: number;
  y: number;
  goal: Point;
  bitmap: OffscreenCanvas | undefined;
}

export class Cursors {
  readonly #byDevice = new Map<string, Cursor>();

  /** @param pointers may include this device's own, which is skipped @returns whether anything has changed */
  set(pointers: readonly Pointer[]): boolean {
    const present = new Set<string>();
    let hasChanged = false;
    for (const { device, name, color, position, isSelf } of pointers) {
      if (!position || isSelf) continue;
      present.add(device);
      const known = this.#byDevice.get(device);
      const cursor = known ?? { name, color, ...position, goal: position, bitmap: undefined };
      if (cursor.name !== name || cursor.color !== color) cursor.bitmap = undefined;
      hasChanged ||= !known || !cursor.bitmap || cursor.goal.x !== position.x || cursor.goal.y !== position.y;
      this.#byDevice.set(device, Object.assign(cursor, { name, color, goal: position }));
    }
    for (const device of this.#byDevice.keys()) {
      if (!present.has(device)) hasChanged = this.#byDevice.delete(device) || hasChanged;
    }
    return hasChanged;
  }

  /** Discards the bitmaps, after a change of colors or of the screen's resolution. */
  invalidate(): void {
    for (const cursor of this.#byDevice.values()) cursor.bitmap = undefined;
  }

  /** @returns whether a cursor is still moving */
  draw(context: CanvasRenderingContext2D, { view, palette, scale, seconds, isMotionReduced }: CursorFrame): boolean {
    const ease = isMotionReduced ? 1 : Math.min(1, seconds * easePerSecond);
    const hasNames = this.#byDevice.size <= maxNames;
    let isMoving = false;
    for (const cursor of this.#byDevice.values()) {
      const [restX, restY] = [cursor.goal.x - cursor.x, cursor.goal.y - cursor.y];
      const isSettled = ease === 1 || (Math.abs(restX) + Math.abs(restY)) * view.scale < settledPixels;
      cursor.x = isSettled ? cursor.goal.x : cursor.x + restX * ease;
      cursor.y = isSettled ? cursor.goal.y : cursor.y + restY * ease;
      isMoving ||= !isSettled;
      cursor.bitmap ??= drawBitmap(cursor.color, hasNames ? cursor.name : '', palette, scale);
      context.drawImage(
        cursor.bitmap,
        view.originX + cursor.x * view.scale,
        view.originY - cursor.y * view.scale,
        bitmapWidth,
        bitmapHeight,
      );
    }
    return isMoving;
  }
}

interface CursorFrame {
  readonly view: View;
  readonly palette: Palette;
  /** Device pixels per CSS pixel. */
  readonly scale: number;
  readonly seconds: number;
  readonly isMotionReduced: boolean;
}

/** An arrow whose tip is the upper left corner, and the name to its lower right. */
function drawBitmap(color: string, name: string, palette: Palette, scale: number): OffscreenCanvas {
  const canvas = new OffscreenCanvas(bitmapWidth * scale, bitmapHeight * scale);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('2D canvas is not supported by this browser');
  context.scale(scale, scale);
  context.fillStyle = toCssColor(palette.people[color] ?? palette.cool);
  context.strokeStyle = toCssColor(palette.ground, 0.9);
  context.lineWidth = 1.5;
  context.lineJoin = 'round';
  context.beginPath();
  for (const [x, y] of [
    [1, 1],
    [4.5, 15],
    [7.8, 9.6],
    [14, 8.6],
  ] as const)
    context.lineTo(x, y);
  context.closePath();
  context.stroke();
  context.fill();
  if (!name) return canvas;
  context.font = '12px system-ui, sans-serif';
  const width = Math.min(maxNameWidth, context.measureText(name).width);
  context.fillStyle = toCssColor(palette.ground, 0.8);
  context.beginPath();
  context.roundRect(13, 14, width + 12, 18, 9);
  context.fill();
  context.fillStyle = toCssColor(palette.text);
  context.fillText(name, 19, 27, maxNameWidth);
  return canvas;
}

/** The people who are present, and the displayed names of devices. Data of others is validated. */
import type { PresenceView } from '../../client/presence/presence-of.ts';
import { formatDevice } from '../format.ts';
import type { Point } from '../viewport/geometry.ts';
import { type Color, colorOf, isColor } from './colors.ts';
import { toName } from './name.ts';

export interface Person {
  readonly device: string;
  readonly name: string;
  readonly color: Color;
  /** In grid units. */
  readonly position: Point | undefined;
  readonly isSelf: boolean;
}

export class People {
  readonly #getOwnDevice: () => string | undefined;
  /** The names seen in this visit, including those of devices that have left. */
  readonly #names = new Map<string, string>();
  #present: readonly Person[] = [];

  constructor(getOwnDevice: () => string | undefined) {
    this.#getOwnDevice = getOwnDevice;
  }

  get present(): readonly Person[] {
    return this.#present;
  }

  set({ devices }: PresenceView): void {
    const own = this.#getOwnDevice();
    this.#present = devices.map(({ device, user, data = {} }) => {
      const name = toName(data.name) || toName(user);
      if (name) this.#names.set(device, name);
      return {
        device,
        name: this.nameOf(device),
        color: isColor(data.color) ? data.color : colorOf(device),
        position: toPosition(data.position),
        isSelf: device === own,
      };
    });
  }

  /** The displayed name of a device. */
  nameOf(device: string): string {
    if (device === this.#getOwnDevice()) return 'you';
    return this.#names.get(device) ?? formatDevice(device);
  }
}

function toPosition(value: unknown): Point | undefined {
  const { x, y } = Object(value) as { x?: unknown; y?: unknown };
  return isCoordinate(x) && isCoordinate(y) ? { x, y } : undefined;
}

/** Beyond this, a cursor would never settle, because differences of such numbers are inexact. */
const maxCoordinate = 1e6;

function isCoordinate(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= maxCoordinate;
}

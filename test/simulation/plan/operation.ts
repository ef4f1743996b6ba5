/** One step of a plan: something that a device or an operator does, or a fault. */
import type { World } from '../processes/world.ts';

export interface Operation {
  /** In ms after the start. */
  readonly at: number;
  readonly text: string;
  readonly run: (world: World) => void;
}

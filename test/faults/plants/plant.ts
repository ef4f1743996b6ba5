/** A defect that the harness plants from outside, to see its own checker fail. None of it touches the shipped code. */
import type { ViolationKind } from '../checker/violation.ts';
import type { Crowd } from '../devices/crowd.ts';
import type { Observer } from '../observer.ts';
import type { FaultStack } from '../stack/fault-stack.ts';

interface PlantArena {
  readonly stack: FaultStack;
  readonly observer: Observer;
  readonly crowd: Crowd;
}

export interface Plant {
  /** What the checker must say, among whatever else it says. */
  readonly caughtAs: ViolationKind;
  /** While devices write. */
  readonly tamper?: (arena: PlantArena) => Promise<void>;
  /** When all has settled, before the checker looks. */
  readonly tamperAtRest?: (arena: PlantArena) => Promise<void>;
  /** A module that the APIs load first. */
  readonly apiPreload?: string;
  /** More than one round, where one shows nothing. */
  readonly rounds?: number;
}

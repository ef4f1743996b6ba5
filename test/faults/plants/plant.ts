/** A deliberate defect that the harness plants to verify its own checker. The shipped code is not modified. */
import type { ViolationKind } from '../checker/violation.ts';
import type { DevicePool } from '../devices/device-pool.ts';
import type { Observer } from '../observer.ts';
import type { FaultStack } from '../stack/fault-stack.ts';

interface PlantContext {
  readonly stack: FaultStack;
  readonly observer: Observer;
  readonly devicePool: DevicePool;
}

export interface Plant {
  /** A violation that the checker must report; it may report others as well. */
  readonly expectedViolation: ViolationKind;
  /** Runs while devices write. */
  readonly tamper?: (context: PlantContext) => Promise<void>;
  /** Runs when the system is quiescent, before the check. */
  readonly tamperAtRest?: (context: PlantContext) => Promise<void>;
  /** A module that the APIs preload. */
  readonly apiPreload?: string;
  /** Number of rounds, if one is not enough to detect the defect. */
  readonly rounds?: number;
}

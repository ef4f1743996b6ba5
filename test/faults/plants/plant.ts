/** A defect that the harness plants from outside, to see its own checker fail. None of it touches the shipped code. */
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
  /** What the checker must say, among whatever else it says. */
  readonly expectedViolation: ViolationKind;
  /** While devices write. */
  readonly tamper?: (context: PlantContext) => Promise<void>;
  /** When all has settled, before the checker looks. */
  readonly tamperAtRest?: (context: PlantContext) => Promise<void>;
  /** A module that the APIs load first. */
  readonly apiPreload?: string;
  /** More than one round, where one shows nothing. */
  readonly rounds?: number;
}

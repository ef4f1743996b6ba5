/** The presence of one field in this process: its devices, their budgets, and the reports of other processes. */
import type { FieldId } from '../../shared/field/ids.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { PresenceBudget } from './presence-budget.ts';
import { PresenceFollower } from './presence-follower.ts';
import type { PresenceReporter } from './presence-reporter.ts';
import type { PresenceStore } from './presence-store.ts';
import { PresentDevices } from './present-devices.ts';

export interface FieldPresenceDeps {
  readonly store: PresenceStore;
  readonly reporter: Pick<PresenceReporter, 'queue'>;
  readonly readTime: () => number;
  readonly onChange: (field: FieldId) => void;
  readonly log: Logger;
}

export class FieldPresence {
  readonly id: FieldId;
  readonly devices: PresentDevices;
  readonly follower: PresenceFollower;
  readonly budget = new PresenceBudget();
  /** Called when something has changed. Set while somebody watches; the reports of other processes are then followed. */
  onChange: (() => void) | undefined;

  constructor(id: FieldId, { store, reporter, readTime, onChange, log }: FieldPresenceDeps) {
    this.id = id;
    this.devices = new PresentDevices({
      readTime,
      onChange: () => {
        onChange(id);
        this.onChange?.();
      },
      onPending: () => reporter.queue(this),
    });
    this.follower = new PresenceFollower({ field: id, present: this.devices, store, log });
  }

  /** Whether the devices are those of all processes. */
  get isComplete(): boolean {
    return this.onChange !== undefined && this.follower.isSynced;
  }

  get isUnused(): boolean {
    return this.onChange === undefined && this.devices.isEmpty;
  }

  tick(now: number): void {
    this.devices.sweep(now);
    if (this.onChange) this.follower.tick(now);
  }
}

/** What a fault may act on, and how it chooses its targets. */

import { waitUntil } from '../../support/wait-until.ts';
import type { Random } from '../../unit/field/support/seeded-random.ts';
import type { DevicePool } from '../devices/device-pool.ts';
import type { Observer } from '../observer.ts';
import type { FaultStack } from '../stack/fault-stack.ts';
import type { SupervisedProcess } from '../stack/supervised-process.ts';
import type { TcpLink } from '../stack/tcp-link.ts';

export interface FaultContext {
  readonly stack: FaultStack;
  readonly observer: Observer;
  readonly devicePool: DevicePool;
  /** Seeded, so that a run can be repeated. */
  readonly random: Random;
  /** Whether long faults are shortened. */
  readonly isShort: boolean;
  /** Unexpected behaviour observed while the fault was injected. */
  readonly anomalies: string[];
  /** What exactly was done, for the report. */
  readonly notes: string[];
}

export interface Fault {
  /** Excluded from short runs. */
  readonly isLong?: boolean;
  /** Whether the end of the log or of the queue may be lost, so that devices have to send again what they kept. */
  readonly losesTail?: boolean;
  /** Whether it sets clocks, which is done by libfaketime if that is installed. */
  readonly stepsClock?: boolean;
  readonly inject: (context: FaultContext) => Promise<void>;
}

export type ServerName = keyof FaultStack['servers'];
export const serverNames: readonly ServerName[] = ['postgres', 'queue', 'cache'];

/** Picks one of two processes, in 80 % of cases the second, so that the first runs long enough to show leaks. */
export function pickVictim(random: Random, pair: readonly SupervisedProcess[]): SupervisedProcess {
  const victim = pair[random.chance(0.8) ? 1 : 0];
  if (!victim) throw new Error('there is no process to pick');
  return victim;
}

/** Waits until a process that was started reaches PostgreSQL; before, it does not handle signals. */
export async function waitUntilConnected(stack: FaultStack, { name }: SupervisedProcess): Promise<void> {
  const link = findLinkBetween(stack, name, 'postgres');
  await waitUntil(`${name} is connected`, () => link.connections > 0, { timeoutMs: 60_000, intervalMs: 50 });
}

export function findLinksTo({ links }: FaultStack, to: string): readonly TcpLink[] {
  return links.filter((link) => link.to.startsWith(to));
}

export function findLinkBetween({ links }: FaultStack, from: string, to: string): TcpLink {
  const link = links.find((candidate) => candidate.from === from && candidate.to === to);
  if (!link) throw new Error(`there is no link from ${from} to ${to}`);
  return link;
}

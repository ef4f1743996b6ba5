/** What a fault is given to break. */
import type { Random } from '../../unit/field/support/seeded-random.ts';
import type { Observer } from '../observer.ts';
import type { FaultStack } from '../stack/fault-stack.ts';
import type { SupervisedProcess } from '../stack/supervised-process.ts';
import type { TcpLink } from '../stack/tcp-link.ts';

export interface FaultContext {
  readonly stack: FaultStack;
  readonly observer: Observer;
  /** Decided by the seed. */
  readonly random: Random;
  /** What should not have happened while the fault was made. */
  readonly anomalies: string[];
}

/** One of two: mostly the second, so that the first lives long enough to show what it leaks. */
export function pickVictim(random: Random, pair: readonly SupervisedProcess[]): SupervisedProcess {
  const victim = pair[random.chance(0.8) ? 1 : 0];
  if (!victim) throw new Error('there is nobody to pick');
  return victim;
}

export function findLinksTo({ links }: FaultStack, to: string): readonly TcpLink[] {
  return links.filter((link) => link.to.startsWith(to));
}

export function findLinkBetween({ links }: FaultStack, from: string, to: string): TcpLink {
  const link = links.find((one) => one.from === from && one.to === to);
  if (!link) throw new Error(`there is no link from ${from} to ${to}`);
  return link;
}

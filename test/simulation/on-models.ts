/** What the tests of models share: how a history is carried out on models, and how it waits for something. */
import { waitUntil } from '../support/wait-until.ts';
import { seededRandom } from '../unit/field/support/seeded-random.ts';
import { VirtualTime } from './kernel/virtual-time.ts';

const timeoutMs = 25_000;

export type WaitFor = (condition: string, check: () => unknown) => Promise<unknown>;

export const waitForReal: WaitFor = (condition, check) =>
  waitUntil(condition, async () => Boolean(await check()), { timeoutMs });

/** Carries out a history on models, while virtual time passes. */
export async function onModels<Result>(
  work: (deps: { time: VirtualTime; random: ReturnType<typeof seededRandom>; waitFor: WaitFor }) => Promise<Result>,
): Promise<Result> {
  const [time, random] = [new VirtualTime(1_780_000_000_000), seededRandom(1)];
  const waitFor: WaitFor = async (condition, check) => {
    for (const deadline = time.now + timeoutMs; time.now < deadline; ) {
      if (await check()) return;
      await new Promise<void>((resolve) => void time.scheduleFor(undefined, 20, resolve));
    }
    throw new Error(`timed out waiting until ${condition}`);
  };
  let isDone = false;
  const running = work({ time, random, waitFor }).finally(() => {
    isDone = true;
  });
  await time.runUntil(time.now + 600_000, () => isDone);
  return running;
}

export function createError(failure: string): Error {
  return new Error(failure);
}

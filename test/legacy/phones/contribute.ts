/** What a user does with the original's hook, through each of the functions with which it contributes to the field. */
import { waitUntil } from '../../support/wait-until.ts';

/** The part of what the hook returns that is used. */
export interface Bridge {
  readonly nodeId: string;
  readonly isConnected: boolean;
  readonly room64Session: object | null;
  createMemoryParticle(content: string): { readonly resonance: number };
  updateField(particle: object): Promise<unknown>;
  syncEvent(type: string, data: object): Promise<unknown>;
  handleGesture(x: number, y: number, z: number): Promise<unknown>;
  detectSacredPhrase(text: string): Promise<unknown>;
  proposeBreathSync(): Promise<unknown>;
  excavateMemory(depth: number): Promise<unknown>;
  enterRoom64(phrase: string): Promise<{ readonly success: boolean } | null>;
  recordBreathing(inhale: number, hold: number, exhale: number): Promise<unknown>;
  exitVoid(): Promise<unknown>;
}

interface ContributeOptions {
  /** Waits until the hook is connected: one that is not keeps what it gets to itself. */
  readonly connected: () => Promise<Bridge>;
  /** Of the phone: contents begin with it. */
  readonly name: string;
  readonly updates: number;
}

type Action = (bridge: Bridge, connected: () => Promise<Bridge>) => Promise<unknown>;

const otherActions: readonly Action[] = [
  (bridge) => bridge.syncEvent('resonance', { intensity: 0.01 }),
  (bridge) => bridge.handleGesture(9, 2, 1),
  (bridge) => bridge.detectSacredPhrase('one light of love and peace'),
  (bridge) => bridge.proposeBreathSync(),
  (bridge) => bridge.excavateMemory(2),
  visitRoom64,
];
/** Above 0.8, at which the hook reports a crystallization as well. */
const highResonance = 0.9;
const crystallizesEvery = 8;
const otherActionEvery = 5;

/** @returns the contents of the particles, each of them unique */
export async function contribute({ connected, name, updates }: ContributeOptions): Promise<string[]> {
  const contents: string[] = [];
  for (let number = 1; number <= updates; number += 1) {
    const bridge = await connected();
    const content = `${name}/${number}`;
    const particle = bridge.createMemoryParticle(content);
    const resonance = number % crystallizesEvery === 0 ? highResonance : particle.resonance;
    await attempt(bridge.updateField({ ...particle, resonance }));
    contents.push(content);
    const action = otherActions[number / otherActionEvery - 1];
    if (action) await attempt(action(await connected(), connected));
  }
  return contents;
}

/** Some functions of the hook throw what the server answered. The request is in the report. */
async function attempt(contribution: Promise<unknown>): Promise<void> {
  await contribution.catch(() => undefined);
}

/** Other phones may have closed the room again by leaving it. */
async function visitRoom64(bridge: Bridge, connected: () => Promise<Bridge>): Promise<void> {
  await bridge.syncEvent('portal', { stability: 0.95 });
  const entered = await bridge.enterRoom64('three sacred words');
  if (!entered?.success) return;
  const inside = await waitUntil('the hook is in room 64', async () => {
    const now = await connected();
    return now.room64Session && now;
  });
  await inside.recordBreathing(4000, 7000, 8000);
  await (await connected()).exitVoid();
}

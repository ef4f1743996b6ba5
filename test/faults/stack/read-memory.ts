/** Asks a process that has preloaded `memory-probe.ts` how much memory it uses. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export interface MemoryUse {
  /** What JavaScript objects and their buffers occupy after a full garbage collection. */
  readonly liveMb: number;
  /** The memory of the process, which includes what V8 keeps for later. */
  readonly residentMb: number;
}

/** The module to preload. */
export const memoryProbe = new URL('./memory-probe.ts', import.meta.url).href;
const timeoutMs = 5000;
const megabyte = 1024 ** 2;

/** @param folder the folder of the stack */
export function memorySocket(folder: string, process: string): string {
  return join(folder, `${process}.memory`);
}

/** @returns undefined while the process is starting */
export async function readMemory(folder: string, process: string): Promise<MemoryUse | undefined> {
  const socket = connect(memorySocket(folder, process)).setTimeout(timeoutMs, () => socket.destroy());
  const answer = await text(socket).catch(() => '');
  if (answer === '') return undefined;
  const { heapUsed, external, rss } = JSON.parse(answer) as NodeJS.MemoryUsage;
  return { liveMb: (heapUsed + external) / megabyte, residentMb: rss / megabyte };
}

/** Sends bursts of updates and measures their cost. */
import type { FieldId } from '../../shared/field/ids.ts';
import type { BenchStack } from '../stack/bench-stack.ts';
import { runClosedLoop } from './closed-loop.ts';
import { countApplied, waitUntilApplied } from './seed.ts';
import { createUpdates, encodePost, type MakeUpdate, type Writer } from './writers.ts';

export interface BurstOptions {
  readonly fields: readonly FieldId[];
  readonly writers: readonly Writer[];
  /** Total number of updates. */
  readonly updates: number;
  readonly perRequest: number;
  readonly make: MakeUpdate;
}

export interface BurstCost {
  /** Wall time per update, in µs. */
  readonly wallUs: number;
  /** CPU time per update of all processes of the stack, in µs. Less sensitive to other load on the machine than wall time. */
  readonly cpuUs: number;
}

/** Sends a burst from all writers and waits until it is applied. */
export async function sendBurst(stack: BenchStack, burst: BurstOptions): Promise<BurstCost> {
  const { fields, writers, updates, perRequest, make } = burst;
  const before = await countApplied(stack, fields);
  const cpuBefore = sumCpuMs(stack);
  const startedAt = performance.now();
  const requests = Math.ceil(updates / perRequest);
  await runClosedLoop({
    urls: stack.addresses,
    connections: Math.min(64, writers.length, requests),
    requests,
    expects: 202,
    next: createRequestSource(burst),
  });
  await waitUntilApplied(stack, fields, before + requests * perRequest);
  const count = requests * perRequest;
  return {
    wallUs: (1000 * (performance.now() - startedAt)) / count,
    cpuUs: (1000 * (sumCpuMs(stack) - cpuBefore)) / count,
  };

  /** Each connection has its own writers, so that no device has two requests in flight. */
  function createRequestSource({ fields, writers }: BurstOptions) {
    const connections = Math.min(64, writers.length, requests);
    return (connectionIndex: number, requestIndex: number): Buffer => {
      const ownWriters = Math.ceil((writers.length - connectionIndex) / connections);
      const writer = writers[connectionIndex + connections * (requestIndex % ownWriters)] as Writer;
      const field = fields[(connectionIndex + connections * requestIndex) % fields.length] as FieldId;
      return encodePost(writer, field, createUpdates(writer, field, perRequest, make));
    };
  }
}

function sumCpuMs({ usage }: BenchStack): number {
  return [...usage.readCpuMs()].reduce((sum, [, ms]) => sum + ms, 0);
}

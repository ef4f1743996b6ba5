/** Makes history: as many updates of one field as it takes, and bursts whose cost is measured. */
import type { FieldId } from '../../shared/field/ids.ts';
import type { BenchStack } from '../stack/bench-stack.ts';
import { runClosedLoop } from './closed-loop.ts';
import { countApplied, waitUntilApplied } from './seed.ts';
import { encodePost, type MakeUpdate, takeUpdates, type Writer } from './writers.ts';

export interface Burst {
  readonly fields: readonly FieldId[];
  readonly writers: readonly Writer[];
  /** Updates in all. */
  readonly updates: number;
  readonly perRequest: number;
  readonly make: MakeUpdate;
}

export interface BurstCost {
  /** Wall time per update, in µs. */
  readonly wallUs: number;
  /** CPU time per update of everything that takes part in applying it, in µs: less moved by what else the machine does. */
  readonly cpuUs: number;
}

/** Sends updates from all writers until all are applied. */
export async function sendBurst(stack: BenchStack, burst: Burst): Promise<BurstCost> {
  const { fields, writers, updates, perRequest, make } = burst;
  const before = await countApplied(stack, fields);
  const cpuBefore = sumCpuMs(stack);
  const startedAt = performance.now();
  const requests = Math.ceil(updates / perRequest);
  await runClosedLoop({
    urls: stack.addresses,
    lanes: Math.min(64, writers.length, requests),
    requests,
    expects: 202,
    next: turnTaker(burst),
  });
  await waitUntilApplied(stack, fields, before + requests * perRequest);
  const count = requests * perRequest;
  return {
    wallUs: (1000 * (performance.now() - startedAt)) / count,
    cpuUs: (1000 * (sumCpuMs(stack) - cpuBefore)) / count,
  };

  /** Each lane has writers of its own, so that no device has two requests under way. */
  function turnTaker({ fields, writers }: Burst) {
    const lanes = Math.min(64, writers.length, requests);
    return (lane: number, turn: number): Buffer => {
      const own = Math.ceil((writers.length - lane) / lanes);
      const writer = writers[lane + lanes * (turn % own)] as Writer;
      const field = fields[(lane + lanes * turn) % fields.length] as FieldId;
      return encodePost(writer, field, takeUpdates(writer, field, perRequest, make));
    };
  }
}

function sumCpuMs({ usage }: BenchStack): number {
  return [...usage.cpuMs()].reduce((sum, [, ms]) => sum + ms, 0);
}

/** `consciousness.entanglement`: an event of the field. The simulated quantum states of the original are not kept. */
import { entangleInput } from '../inputs.ts';
import { createRouter, procedure } from '../trpc.ts';
import type { ProcedureDeps } from './procedure-deps.ts';

export function createEntanglementRouter({ field, devices, writer, presence }: ProcedureDeps) {
  return createRouter({
    create: procedure.input(entangleInput).mutation(async ({ input: { nodeA, nodeB }, ctx: { address, request } }) => {
      // The sender counts as the first of the two. Nothing is written as the other one.
      const device = devices.identify(nodeA, address);
      presence.touch(field, device.id);
      const applied = await writer.emit(device, 'entanglement', { request });
      const bellPairId = `bell-${applied?.version ?? 'accepted'}`;
      const describe = (nodeId: string, name: string) => ({
        ...{ id: `${bellPairId}-${name}`, nodeId, spin: 'superposition' as const, entangled: true },
      });
      return {
        success: true as const,
        bellPairId,
        stateA: describe(nodeA, 'a'),
        stateB: describe(nodeB, 'b'),
        correlation: 1,
      };
    }),

    measure: procedure.mutation(() => ({ success: false as const, error: 'Quantum states are not kept' })),
  });
}

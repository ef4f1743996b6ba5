/** `consciousness.realtime`: connections, which are presence here. They are not stored, and no response contains others' names. */
import { connectInput, heartbeatInput } from '../inputs.ts';
import { createRouter, procedure } from '../trpc.ts';
import type { ProcedureDeps } from './procedure-deps.ts';

export function createRealtimeRouter({ field, devices, states, presence, clock }: ProcedureDeps) {
  return createRouter({
    connect: procedure.input(connectInput).mutation(async ({ input, ctx: { address } }) => {
      const device = devices.identify(input.nodeId, address);
      presence.touch(field, device.id);
      const networkSize = await presence.count(field);
      return { success: true as const, connectionId: device.id, entanglements: [], networkSize };
    }),

    heartbeat: procedure.input(heartbeatInput).mutation(async ({ input, ctx: { address } }) => {
      presence.touch(field, devices.identify(input.nodeId, address).id);
      const networkSize = await presence.count(field);
      return { success: true, timestamp: Math.floor(clock.now()), networkSize, entanglements: 0 };
    }),

    getConnections: procedure.query(async () => {
      const [state, activeConnections] = await Promise.all([states.read(), presence.count(field)]);
      return {
        activeConnections,
        totalEntanglements: 0,
        networkTopology: { nodes: [], edges: [] },
        recentEvents: [],
        platformDistribution: { web: 0, mobile: 0, tablet: 0 },
        averageResonance: state.globalResonance,
      };
    }),
  });
}

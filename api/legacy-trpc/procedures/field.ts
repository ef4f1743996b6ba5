/** `consciousness.field`: creates particles, and reads the field. */
import { randomUUID } from 'node:crypto';
import { fieldUpdateInput, findOwnCounter } from '../inputs.ts';
import { createRouter, procedure } from '../trpc.ts';
import { readConflictsOf } from './conflicts.ts';
import type { ProcedureDeps } from './procedure-deps.ts';

export function createFieldRouter({ field, devices, writer, states, presence, reader }: ProcedureDeps) {
  return createRouter({
    update: procedure.input(fieldUpdateInput).mutation(async ({ input, ctx: { address, request } }) => {
      const { nodeId, position, resonance, memoryContent, connections, vectorClock } = input;
      const device = devices.identify(nodeId, address);
      presence.touch(field, device.id);
      const counter = findOwnCounter(vectorClock, nodeId);
      const content = memoryContent === undefined ? {} : { content: memoryContent };
      const createPut = (suffix: number | string) => ({
        ...{ kind: 'particle.put' as const, id: `${device.id}:${suffix}`, position, resonance, connections },
        ...content,
      });
      // A repetition has the same number and therefore the same id. A particle without a number gets a random id.
      const [numbered, unnumbered] = [createPut(counter ?? 0), createPut(randomUUID())];
      const applied = await (counter === undefined
        ? writer.write({ device, request, change: unnumbered })
        : writer.writeNumbered({
            device,
            request,
            series: device.id,
            counter,
            change: numbered,
            fallback: unnumbered,
          }));
      const isUnnumbered = counter === undefined || applied?.isFallback === true;
      const state = await states.read(applied?.version);
      return {
        success: true as const,
        particleId: (isUnnumbered ? unnumbered : numbered).id,
        fieldState: {
          globalResonance: state.globalResonance,
          activeParticles: state.totalParticles,
          crystallizedParticles: state.crystallizedParticles,
          quantumCoherence: state.primary.coherence,
          portalStability: state.primary.portalStability,
          room64Active: state.room64Active,
          harmonics: [...state.primary.harmonics],
          sacredGeometry: state.primary.sacredGeometry,
        },
        conflicts: await readConflictsOf(applied, { reader, field }),
        version: state.version,
        // Without the entries of others, because a name is all that identifies an app.
        vectorClock: counter === undefined ? {} : { [nodeId]: counter },
      };
    }),

    getState: procedure.query(async () => {
      const [state, activeNodes] = await Promise.all([states.read(), presence.count(field)]);
      return {
        globalResonance: state.globalResonance,
        activeNodes,
        totalParticles: state.totalParticles,
        crystallizedParticles: state.crystallizedParticles,
        quantumCoherence: state.primary.coherence,
        fieldStrength: state.primary.strength,
        portalStability: state.primary.portalStability,
        room64Active: state.room64Active,
        harmonics: [...state.primary.harmonics],
        sacredGeometry: state.primary.sacredGeometry,
        collectiveIntelligence: state.collectiveIntelligence,
        archaeologicalLayers: state.primary.archaeologicalLayers,
        lastUpdate: state.lastUpdate,
      };
    }),
  });
}

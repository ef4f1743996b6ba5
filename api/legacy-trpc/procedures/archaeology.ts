/** `consciousness.archaeology`: the original invented artifacts at random. Here they are particles that the field really has. */
import { fnv1a } from '../../../shared/field/math/fnv1a.ts';
import type { ParticleView } from '../../../shared/field/view.ts';
import { analyzeInput, excavateInput } from '../inputs.ts';
import { createRouter, procedure } from '../trpc.ts';
import type { ProcedureDeps } from './procedure-deps.ts';

const artifactTypes = ['thought', 'emotion', 'experience', 'wisdom', 'trauma', 'joy', 'connection', 'insight'] as const;
const artifactsPerLayer = 3;
const ancientDepth = 5;

export function createArchaeologyRouter({ field, devices, writer, states, presence }: ProcedureDeps) {
  return createRouter({
    excavate: procedure.input(excavateInput).mutation(async ({ input, ctx: { address, request } }) => {
      const { nodeId, targetDepth } = input;
      const device = devices.identify(nodeId, address);
      presence.touch(field, device.id);
      const state = await states.read();
      const artifacts = findLayer(state.readParticles(), targetDepth).map((particle) =>
        toArtifact(particle, targetDepth),
      );
      // A complete layer is one event, as it was in the original.
      if (artifacts.length === artifactsPerLayer) await writer.emit(device, 'memory', { request });
      return {
        success: true as const,
        artifacts,
        patterns: [],
        excavationSummary: {
          totalArtifactsFound: artifacts.length,
          patternsDiscovered: 0,
          deepestLayer: targetDepth,
          ancientResonance: artifacts.length > 0 && targetDepth > ancientDepth,
        },
      };
    }),

    analyze: procedure.input(analyzeInput).query(async ({ input }) => {
      const state = await states.read();
      const { archaeologicalLayers } = state.primary;
      return {
        success: true as const,
        patterns: [],
        summary: {
          totalArtifacts: state.totalParticles,
          restoredArtifacts: 0,
          totalPatterns: 0,
          activeSites: 0,
          avgAncientResonance: 0,
          deepestExcavation: archaeologicalLayers,
          patternTypes: {},
        },
        analysisScope: {
          artifactsAnalyzed: state.totalParticles,
          nodeSpecific: input.nodeId !== undefined,
          globalAnalysis: input.nodeId === undefined,
        },
      };
    }),

    restore: procedure.mutation(() => ({
      success: false as const,
      error: 'Nothing has to be restored: artifacts are particles',
    })),
  });
}

/** A deeper layer is older: of the particles with content, newest first, the three at this depth or the last three. */
function findLayer(particles: readonly ParticleView[], depth: number): ParticleView[] {
  const byNewest = particles
    .filter(({ content }) => content)
    .sort((a, b) => b.timestamp - a.timestamp || (a.id < b.id ? -1 : 1));
  const start = Math.max(0, Math.min((Math.floor(depth) - 1) * artifactsPerLayer, byNewest.length - artifactsPerLayer));
  return byNewest.slice(start, start + artifactsPerLayer);
}

function toArtifact({ id, content = '', resonance, timestamp }: ParticleView, depth: number) {
  const type = artifactTypes[fnv1a(id) % artifactTypes.length] ?? 'thought';
  const words = content.toLowerCase().match(/\p{L}{4,20}/gu) ?? [];
  const patternSignature = [...words.slice(0, 3), type].join('-');
  return { id: `artifact-${id}`, type, content, depth, resonance, carbonDate: timestamp, patternSignature };
}

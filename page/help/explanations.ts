/**
 * Finds the explanations of words, gauges and buttons: `index.html` has a text `about-<name>` for each, which screen readers read
 * as a description. The texts follow the rules in `shared/field/dynamics`.
 */
import type { FieldView } from '../../client/types.ts';

export const gaugeNames = [
  'Global resonance',
  'Collective intelligence',
  'Strength',
  'Coherence',
  'Entanglement',
  'Portal stability',
] as const;
export type GaugeName = (typeof gaugeNames)[number];

export function readGauges(state: FieldView): Readonly<Record<GaugeName, number>> {
  const [primary] = state.quantumFields;
  return {
    'Global resonance': state.globalResonance,
    'Collective intelligence': state.collectiveIntelligence,
    Strength: primary?.strength ?? 0,
    Coherence: primary?.coherence ?? 0,
    Entanglement: primary?.entanglement ?? 0,
    'Portal stability': primary?.portalStability ?? 0,
  };
}

export function aboutId(name: string): string {
  return `about-${name.toLowerCase().replaceAll(' ', '-')}`;
}

/** Explains how to move a gauge that shows 0; undefined if that needs no explanation. */
export function describeZero(
  name: GaugeName,
  { quantumFields: [primary], memoryParticles, region }: FieldView,
): string | undefined {
  switch (name) {
    case 'Portal stability':
      return `needs coherence above 0.80 (now ${(primary?.coherence ?? 0).toFixed(2)}) and 8 particles${region ? '' : ` (now ${memoryParticles.length})`}`;
    case 'Entanglement':
      return 'connect two particles, or send Entanglement';
    case 'Strength':
    case 'Coherence':
      return 'send Bloom, or flick a particle';
    default:
      return undefined;
  }
}

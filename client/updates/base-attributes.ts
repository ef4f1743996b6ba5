/**
 * Derives the written attributes of a particle from the shown ones: a crystallized one is shown with resonance + 0.1 and half its
 * velocity.
 */
import type { ParticleAttributes } from '../../shared/field/update.ts';
import type { ParticleView } from '../../shared/field/view.ts';

type DerivedView = Pick<ParticleView, 'resonance' | 'velocity' | 'crystallized'>;

export function toBaseResonance({ resonance, crystallized }: DerivedView): number {
  return crystallized ? Math.max(0.7 + Number.EPSILON, resonance - 0.1) : resonance;
}

export function toBaseVelocity({ velocity, crystallized }: DerivedView): ParticleView['velocity'] {
  if (!crystallized) return velocity;
  return { x: velocity.x * 2, y: velocity.y * 2, z: velocity.z * 2 };
}

/** The attributes to write for a particle to be shown like this one. */
export function toBaseAttributes(view: ParticleView): ParticleAttributes {
  const { position, connections, content } = view;
  const base = { position, velocity: toBaseVelocity(view), resonance: toBaseResonance(view), connections };
  return content === undefined ? base : { ...base, content };
}

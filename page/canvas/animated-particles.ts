/** Animated copies of the state's particles: position easing, a slow orbit, fading in and out. Draws nothing. */
import type { ParticleView } from '../../shared/field/view.ts';
import { toScreen, type View } from './geometry.ts';

const appearSeconds = 0.9;
const fadeSeconds = 0.7;
const easePerSecond = 6;
/** Orbit radius in pixels for velocity 1. Typical velocities are below 0.05. */
const orbitScale = 110;
const maxOrbitRadius = 26;
/** Beyond this count, individual lines can no longer be told apart. */
const maxLinks = 4000;

export interface AnimatedParticle {
  particle: ParticleView;
  /** World coordinates, easing towards the particle's position. */
  x: number;
  y: number;
  /** Screen coordinates in the current frame. */
  screenX: number;
  screenY: number;
  /** Opacity from 0 to 1, for fading in and out. */
  visibility: number;
  isRemoved: boolean;
  readonly phase: number;
  readonly angularSpeed: number;
}

export interface Link {
  readonly from: AnimatedParticle;
  readonly to: AnimatedParticle;
  readonly isCrystal: boolean;
}

export class AnimatedParticles {
  readonly #byId = new Map<string, AnimatedParticle>();
  #all: readonly AnimatedParticle[] = [];
  #links: readonly Link[] = [];

  get all(): readonly AnimatedParticle[] {
    return this.#all;
  }

  get links(): readonly Link[] {
    return this.#links;
  }

  get(id: string): AnimatedParticle | undefined {
    return this.#byId.get(id);
  }

  /** Replaces the particles. With `isFirst` they are fully visible at once instead of fading in. */
  set(particles: readonly ParticleView[], isFirst: boolean): void {
    const present = new Set<string>();
    for (const particle of particles) {
      present.add(particle.id);
      const animated = this.#byId.get(particle.id);
      if (animated) {
        animated.particle = particle;
        animated.isRemoved = false;
      } else this.#byId.set(particle.id, createAnimatedParticle(particle, isFirst));
    }
    for (const [id, animated] of this.#byId) if (!present.has(id)) animated.isRemoved = true;
    this.#rebuild();
  }

  /** Advances the animation by `seconds`. With `isMotionReduced` each particle is drawn at its position, without easing. */
  move(view: View, time: number, seconds: number, isMotionReduced: boolean): void {
    const ease = isMotionReduced ? 1 : Math.min(1, seconds * easePerSecond);
    let hasRemoved = false;
    for (const [id, animated] of this.#byId) {
      const { position, velocity } = animated.particle;
      animated.x += (position.x - animated.x) * ease;
      animated.y += (position.y - animated.y) * ease;
      animated.visibility = stepVisibility(animated, seconds, isMotionReduced);
      if (animated.visibility === 0 && animated.isRemoved) {
        this.#byId.delete(id);
        hasRemoved = true;
        continue;
      }
      const center = toScreen(view, animated);
      const angle = isMotionReduced ? 0 : time * animated.angularSpeed + animated.phase;
      const motion = isMotionReduced ? 0 : 1;
      animated.screenX = center.x + motion * orbitRadiusOf(velocity.x) * Math.cos(angle);
      animated.screenY = center.y - motion * orbitRadiusOf(velocity.y) * Math.sin(angle * 1.07);
    }
    if (hasRemoved) this.#rebuild();
  }

  #rebuild(): void {
    this.#all = [...this.#byId.values()];
    this.#links = linkParticles(this.#byId);
  }
}

function createAnimatedParticle(particle: ParticleView, isFirst: boolean): AnimatedParticle {
  const { position, velocity } = particle;
  return {
    particle,
    x: position.x,
    y: position.y,
    screenX: 0,
    screenY: 0,
    visibility: isFirst ? 1 : 0.001,
    isRemoved: false,
    phase: (velocity.x * 7919 + velocity.y * 104729) % (2 * Math.PI),
    angularSpeed: 0.25 + ((Math.abs(velocity.z) * 37) % 0.35),
  };
}

function orbitRadiusOf(velocity: number): number {
  return Math.sign(velocity) * Math.min(maxOrbitRadius, 1.5 + Math.abs(velocity) * orbitScale);
}

function stepVisibility(
  { visibility, isRemoved }: AnimatedParticle,
  seconds: number,
  isMotionReduced: boolean,
): number {
  if (isMotionReduced) return isRemoved ? 0 : 1;
  return isRemoved
    ? Math.max(0, visibility - seconds / fadeSeconds)
    : Math.min(1, visibility + seconds / appearSeconds);
}

function linkParticles(animatedParticles: ReadonlyMap<string, AnimatedParticle>): Link[] {
  const links: Link[] = [];
  for (const from of animatedParticles.values()) {
    for (const id of from.particle.connections) {
      const to = animatedParticles.get(id);
      if (!to || to === from) continue;
      links.push({ from, to, isCrystal: from.particle.crystallized });
      if (links.length === maxLinks) return links;
    }
  }
  return links;
}

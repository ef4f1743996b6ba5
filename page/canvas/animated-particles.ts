/** Animated copies of the state's particles: position easing, a slow orbit, fading in and out. Draws nothing. */
import type { ParticleView } from '../../shared/field/view.ts';
import type { Bounds, View } from '../viewport/geometry.ts';

const appearSeconds = 0.9;
const fadeSeconds = 0.7;
const easePerSecond = 6;
/** Positions this close to their goal, in units of the field, count as arrived. */
const settledDistance = 1e-3;
/** Orbit radius in pixels for velocity 1. Typical velocities are below 0.05. */
const orbitScale = 110;
const maxOrbitRadius = 26;
/** Beyond this count, individual lines can no longer be distinguished. */
const maxLinks = 4000;

export interface AnimatedParticle {
  particle: ParticleView;
  /** Field coordinates, easing towards the goal. */
  x: number;
  y: number;
  goalX: number;
  goalY: number;
  orbitX: number;
  orbitY: number;
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

interface Step {
  readonly view: View;
  readonly time: number;
  readonly seconds: number;
  /** Whether everything jumps to its goal without animation. */
  readonly isMotionReduced: boolean;
  /** The size of the orbits, from 0 (none) to 1. */
  readonly drift: number;
}

export class AnimatedParticles {
  readonly #byId = new Map<string, AnimatedParticle>();
  #all: readonly AnimatedParticle[] = [];
  #links: readonly Link[] = [];
  #hasOrbits = false;

  get all(): readonly AnimatedParticle[] {
    return this.#all;
  }

  get links(): readonly Link[] {
    return this.#links;
  }

  /** Whether any particle has a velocity, and so an orbit. */
  get hasOrbits(): boolean {
    return this.#hasOrbits;
  }

  get(id: string): AnimatedParticle | undefined {
    return this.#byId.get(id);
  }

  /**
   * Replaces the particles. With `isFirst` they are fully visible at once instead of fading in.
   * @param extent outliers are drawn at its edge
   */
  set(particles: readonly ParticleView[], extent: Bounds, isFirst: boolean): void {
    const present = new Set<string>();
    this.#hasOrbits = false;
    for (const particle of particles) {
      present.add(particle.id);
      const animated = this.#byId.get(particle.id) ?? createAnimatedParticle(particle, extent, isFirst);
      this.#byId.set(particle.id, animated);
      animated.particle = particle;
      animated.isRemoved = false;
      animated.goalX = Math.min(extent.right, Math.max(extent.left, particle.position.x));
      animated.goalY = Math.min(extent.top, Math.max(extent.bottom, particle.position.y));
      animated.orbitX = orbitRadiusOf(particle.velocity.x);
      animated.orbitY = orbitRadiusOf(particle.velocity.y);
      this.#hasOrbits ||= animated.orbitX !== 0 || animated.orbitY !== 0;
    }
    for (const [id, animated] of this.#byId) if (!present.has(id)) animated.isRemoved = true;
    this.#rebuild();
  }

  /** Advances the animation. @returns whether a particle is moving to its goal, appearing or fading; orbits do not count */
  move({ view, time, seconds, isMotionReduced, drift }: Step): boolean {
    const ease = isMotionReduced ? 1 : Math.min(1, seconds * easePerSecond);
    let [isMoving, hasFaded] = [false, false];
    for (const animated of this.#all) {
      const [restX, restY] = [animated.goalX - animated.x, animated.goalY - animated.y];
      if (restX !== 0 || restY !== 0) {
        const hasArrived = ease === 1 || (Math.abs(restX) < settledDistance && Math.abs(restY) < settledDistance);
        animated.x = hasArrived ? animated.goalX : animated.x + restX * ease;
        animated.y = hasArrived ? animated.goalY : animated.y + restY * ease;
        isMoving = true;
      }
      if (animated.isRemoved || animated.visibility < 1) {
        animated.visibility = stepVisibility(animated, seconds, isMotionReduced);
        isMoving = true;
        hasFaded ||= animated.visibility === 0;
      }
      animated.screenX = view.originX + animated.x * view.scale;
      animated.screenY = view.originY - animated.y * view.scale;
      if (drift === 0 || (animated.orbitX === 0 && animated.orbitY === 0)) continue;
      const angle = time * animated.angularSpeed + animated.phase;
      animated.screenX += drift * animated.orbitX * Math.cos(angle);
      animated.screenY -= drift * animated.orbitY * Math.sin(angle * 1.07);
    }
    if (hasFaded) this.#removeFaded();
    return isMoving;
  }

  #removeFaded(): void {
    for (const [id, { isRemoved, visibility }] of this.#byId) {
      if (isRemoved && visibility === 0) this.#byId.delete(id);
    }
    this.#rebuild();
  }

  /** Ordinary particles first, so that crystals are drawn over them. */
  #rebuild(): void {
    const all = [...this.#byId.values()];
    this.#all = [
      ...all.filter(({ particle }) => !particle.crystallized),
      ...all.filter(({ particle }) => particle.crystallized),
    ];
    this.#links = linkParticles(this.#byId);
  }
}

function createAnimatedParticle(particle: ParticleView, extent: Bounds, isFirst: boolean): AnimatedParticle {
  const { position, velocity } = particle;
  return {
    particle,
    x: Math.min(extent.right, Math.max(extent.left, position.x)),
    y: Math.min(extent.top, Math.max(extent.bottom, position.y)),
    goalX: 0,
    goalY: 0,
    orbitX: 0,
    orbitY: 0,
    screenX: 0,
    screenY: 0,
    visibility: isFirst ? 1 : 0.001,
    isRemoved: false,
    phase: (velocity.x * 7919 + velocity.y * 104729) % (2 * Math.PI),
    angularSpeed: 0.25 + ((Math.abs(velocity.z) * 37) % 0.35),
  };
}

function orbitRadiusOf(velocity: number): number {
  return velocity === 0 ? 0 : Math.sign(velocity) * Math.min(maxOrbitRadius, 1.5 + Math.abs(velocity) * orbitScale);
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

/** Links of ordinary particles first, so that each kind is one path. */
function linkParticles(animatedParticles: ReadonlyMap<string, AnimatedParticle>): Link[] {
  const [plain, crystal]: [Link[], Link[]] = [[], []];
  for (const from of animatedParticles.values()) {
    const isCrystal = from.particle.crystallized;
    for (const id of from.particle.connections) {
      const to = animatedParticles.get(id);
      if (!to || to === from) continue;
      (isCrystal ? crystal : plain).push({ from, to, isCrystal });
      if (plain.length + crystal.length === maxLinks) return [...plain, ...crystal];
    }
  }
  return [...plain, ...crystal];
}

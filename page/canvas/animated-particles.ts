/** The particles as they move: each circles calmly around where it is, eases to where it is put, appears and fades. */
import type { ParticleView } from '../../shared/field/view.ts';
import { toScreen, type View } from './geometry.ts';

const appearSeconds = 0.9;
const fadeSeconds = 0.7;
const easePerSecond = 6;
/** Pixels that a particle of velocity 1 would circle in; most are slower than 0.05. */
const reach = 110;
const longestReach = 26;
/** More lines than this make a mist of a field. */
const maxLinks = 4000;

export interface Body {
  particle: ParticleView;
  /** In the world, on the way to the particle's position. */
  x: number;
  y: number;
  /** On the screen, in this frame. */
  screenX: number;
  screenY: number;
  /** 0 to 1 while it appears or fades. */
  presence: number;
  isGone: boolean;
  readonly phase: number;
  readonly pace: number;
}

export interface Link {
  readonly from: Body;
  readonly to: Body;
  readonly isCrystal: boolean;
}

export class Bodies {
  readonly #bodies = new Map<string, Body>();
  #all: readonly Body[] = [];
  #links: readonly Link[] = [];

  get all(): readonly Body[] {
    return this.#all;
  }

  get links(): readonly Link[] {
    return this.#links;
  }

  find(id: string): Body | undefined {
    return this.#bodies.get(id);
  }

  /** Takes over a state's particles. Those that come first of all are there at once. */
  set(particles: readonly ParticleView[], isFirst: boolean): void {
    const present = new Set<string>();
    for (const particle of particles) {
      present.add(particle.id);
      const body = this.#bodies.get(particle.id);
      if (body) {
        body.particle = particle;
        body.isGone = false;
      } else this.#bodies.set(particle.id, createBody(particle, isFirst));
    }
    for (const [id, body] of this.#bodies) if (!present.has(id)) body.isGone = true;
    this.#gather();
  }

  /** One frame on. `isStill` is for who wants no motion: then everything is where it is, at once. */
  move(view: View, time: number, seconds: number, isStill: boolean): void {
    const ease = isStill ? 1 : Math.min(1, seconds * easePerSecond);
    let haveGone = false;
    for (const [id, body] of this.#bodies) {
      const { position, velocity } = body.particle;
      body.x += (position.x - body.x) * ease;
      body.y += (position.y - body.y) * ease;
      body.presence = stepPresence(body, seconds, isStill);
      if (body.presence === 0 && body.isGone) {
        this.#bodies.delete(id);
        haveGone = true;
        continue;
      }
      const center = toScreen(view, body);
      const turn = isStill ? 0 : time * body.pace + body.phase;
      const swing = isStill ? 0 : 1;
      body.screenX = center.x + swing * swingOf(velocity.x) * Math.cos(turn);
      body.screenY = center.y - swing * swingOf(velocity.y) * Math.sin(turn * 1.07);
    }
    if (haveGone) this.#gather();
  }

  #gather(): void {
    this.#all = [...this.#bodies.values()];
    this.#links = linkBodies(this.#bodies);
  }
}

function createBody(particle: ParticleView, isFirst: boolean): Body {
  const { position, velocity } = particle;
  return {
    particle,
    x: position.x,
    y: position.y,
    screenX: 0,
    screenY: 0,
    presence: isFirst ? 1 : 0.001,
    isGone: false,
    phase: (velocity.x * 7919 + velocity.y * 104729) % (2 * Math.PI),
    pace: 0.25 + ((Math.abs(velocity.z) * 37) % 0.35),
  };
}

function swingOf(velocity: number): number {
  return Math.sign(velocity) * Math.min(longestReach, 1.5 + Math.abs(velocity) * reach);
}

function stepPresence({ presence, isGone }: Body, seconds: number, isStill: boolean): number {
  if (isStill) return isGone ? 0 : 1;
  return isGone ? Math.max(0, presence - seconds / fadeSeconds) : Math.min(1, presence + seconds / appearSeconds);
}

function linkBodies(bodies: ReadonlyMap<string, Body>): Link[] {
  const links: Link[] = [];
  for (const from of bodies.values()) {
    for (const id of from.particle.connections) {
      const to = bodies.get(id);
      if (!to || to === from) continue;
      links.push({ from, to, isCrystal: from.particle.crystallized });
      if (links.length === maxLinks) return links;
    }
  }
  return links;
}

/** A server in memory that applies updates at once, each of a device and counter once. Clients reach it by polling. */
import { createServerState } from '../../../../client/state/server-state.ts';
import type { Receipt, UpdateResult } from '../../../../shared/contract/messages.ts';
import { maxCounterGap } from '../../../../shared/contract/wire.ts';
import { formatCursor } from '../../../../shared/field/cursor.ts';
import type { SentUpdate } from '../../../../shared/field/update.ts';

interface Entry {
  readonly device: string;
  readonly update: SentUpdate;
}

const cursorAt = (version: number) => formatCursor(version, (version === 0 ? '0' : 'a').repeat(16));

export class ModelServer {
  readonly log: Entry[] = [];
  #deviceCount = 0;

  /** The contents of the particles that were put, sorted. */
  get contents(): string[] {
    return this.log.flatMap(({ update }) => (update.kind === 'particle.put' ? (update.content ?? '') : [])).sort();
  }

  get devices(): number {
    return new Set(this.log.map(({ device }) => device)).size;
  }

  readonly fetch: typeof globalThis.fetch = async (address, { body, headers } = {}) => {
    const { pathname, searchParams } = new URL(String(address));
    const [, path = ''] = /^\/api\/fields\/[^/]*(.*)$/.exec(pathname) ?? [];
    const device = readDevice(new Headers(headers).get('authorization') ?? '');
    if (pathname === '/api/devices') return this.#register();
    if (path === '/updates' && body) return this.#apply(device, JSON.parse(String(body)).updates);
    const [, writer, counter] = /^\/updates\/([^/]+)\/(\d+)$/.exec(path) ?? [];
    if (writer !== undefined) return respond(200, this.#readReceipt(writer, Number(counter)));
    if (this.log.length === 0) return respond(404, { code: 'field_not_found', status: 404, title: 'No such field' });
    if (path === '/clock') return respond(200, { clock: this.#readClock(searchParams.get('device') ?? device) });
    if (path === '/updates') return respond(200, { updates: this.#readLog(searchParams.get('after') ?? '0') });
    if (path === '') return respond(200, this.#readState(), { etag: `"${this.log.length}"` });
    return respond(404, { code: 'not_found', status: 404, title: 'There is no such page' });
  };

  #register(): Response {
    this.#deviceCount += 1;
    const device = `device-${this.#deviceCount}`;
    return respond(201, { deviceId: device, token: `.${btoa(JSON.stringify({ device, exp: 4_000_000_000 }))}.` });
  }

  #apply(device: string, updates: readonly SentUpdate[]): Response {
    const last = this.#findLastCounter(device);
    const tooFar = updates.findIndex(({ counter }) => counter > last + maxCounterGap);
    if (tooFar >= 0) return refuseCounter(tooFar);
    const results = updates.map((update): UpdateResult => {
      const { counter } = update;
      const known = this.log.findIndex((entry) => entry.device === device && entry.update.counter === counter);
      if (known < 0) this.log.push({ device, update });
      const version = known < 0 ? this.log.length : known + 1;
      const isSame = known < 0 || describe(this.log[known]?.update) === describe(update);
      const outcome = known < 0 ? 'applied' : isSame ? 'duplicate' : 'reused';
      return { counter, outcome, version, cursor: cursorAt(version) };
    });
    const version = this.log.length;
    return respond(200, { version, cursor: cursorAt(version), results, serverTime: Date.now() });
  }

  #readClock(device: string): Record<string, number> {
    const last = this.#findLastCounter(device);
    return last === 0 ? {} : { [device]: last };
  }

  #findLastCounter(device: string): number {
    return Math.max(0, ...this.log.flatMap((entry) => (entry.device === device ? entry.update.counter : [])));
  }

  #readReceipt(device: string, counter: number): Partial<Receipt> {
    const index = this.log.findIndex((entry) => entry.device === device && entry.update.counter === counter);
    if (index < 0) return { status: 'unknown' };
    return { status: 'applied', version: index + 1, cursor: cursorAt(index + 1), outcome: 'applied' };
  }

  /** @param after a version or a cursor */
  #readLog(after: string): readonly Entry[] {
    const version = Number.parseInt(after, 10);
    return this.log.slice(version, version + 1);
  }

  #readState() {
    const particles = new Map<string, object>();
    for (const { device, update } of this.log) {
      if (update.kind !== 'particle.put') continue;
      const zero = { x: 0, y: 0, z: 0 };
      const { id, content, timestamp } = update;
      particles.set(id, {
        ...{ id, content, timestamp, device, position: zero, velocity: zero },
        ...{ resonance: 0.5, crystallized: false, connections: [] },
      });
    }
    const { view } = createServerState('f');
    const version = this.log.length;
    return { ...view, version, cursor: cursorAt(version), memoryParticles: [...particles.values()] };
  }
}

/** The response to a request with a counter that is too far above the last one of its device. */
export function refuseCounter(index: number): Response {
  const errors = [{ path: `/updates/${index}/counter`, message: 'is too far above the last' }];
  return respond(400, { code: 'counter_too_far', status: 400, title: 'A counter is too far above the last', errors });
}

function readDevice(authorization: string): string {
  const [, claims = ''] = authorization.split('.');
  return claims === '' ? '' : (JSON.parse(atob(claims)) as { device: string }).device;
}

function describe(update: SentUpdate | undefined): string {
  const { timestamp, seen, clock, ...content } = update ?? ({} as SentUpdate);
  return JSON.stringify(content);
}

function respond(status: number, body: object, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

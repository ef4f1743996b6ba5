/**
 * Counts the particles that a field has ever had, evicted ones included. It reads the log, if that is short enough, and then counts
 * along with the stream.
 */
import type { FieldClient, ServerMessage } from '../../client/types.ts';
import { particlesAfterEviction } from '../../shared/field/dynamics/eviction.ts';

const maxLogLength = 5000;
const pageSize = 1000;

interface LoggedUpdate {
  readonly kind: string;
  readonly id?: string;
}

interface LogPage {
  readonly oldest: number;
  /** An entry of an erasure has no update. */
  readonly updates: readonly { readonly version: number; readonly update?: LoggedUpdate }[];
}

export class ParticleCount {
  readonly #client: Pick<FieldClient, 'state' | 'read'>;
  #ids: Set<string> | undefined;
  #isReading = false;

  constructor(client: Pick<FieldClient, 'state' | 'read'>) {
    this.#client = client;
  }

  /** Undefined if it is unknown. */
  get total(): number | undefined {
    return this.#isReading ? undefined : this.#ids?.size;
  }

  record(message: ServerMessage): void {
    if (message.type === 'snapshot' && !this.#isReading) this.#ids = undefined;
    if (message.type !== 'delta') return;
    for (const [id, particle] of Object.entries(message.changes.particles)) if (particle) this.#ids?.add(id);
  }

  /**
   * Reads the log, if it is short and particles may have been evicted: with fewer than an eviction leaves, a field has rarely
   * evicted any. Does nothing if the count is known.
   */
  async load(): Promise<void> {
    const { version, memoryParticles, region } = this.#client.state;
    if (this.#ids || region || memoryParticles.length < particlesAfterEviction || version > maxLogLength) return;
    const ids = new Set<string>();
    this.#ids = ids;
    this.#isReading = true;
    try {
      for (let after = 0; after < version; ) {
        const { oldest, updates } = await this.#client.read<LogPage>(`/updates?after=${after}&limit=${pageSize}`);
        const last = updates.at(-1);
        // The beginning of the log has been deleted.
        if (oldest > 0 || !last) throw new RangeError('The log is not complete.');
        for (const { update } of updates) if (update?.kind === 'particle.put' && update.id) ids.add(update.id);
        after = last.version;
      }
    } catch {
      this.#ids = undefined;
    } finally {
      this.#isReading = false;
    }
  }
}

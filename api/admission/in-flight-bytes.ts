/**
 * Counts the bytes of the request bodies in this process: each from before it is read until its updates are accepted, the
 * request is answered, or its connection is lost.
 */
import type { FastifyRequest } from 'fastify';

export class InFlightBytes {
  readonly #bytesByRequest = new WeakMap<object, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  reserve(request: Pick<FastifyRequest, 'raw'>, bytes: number): void {
    const { raw } = request;
    // A connection that was lost while the request waited for admission emits no further event.
    if (raw.destroyed) return;
    this.#bytesByRequest.set(request, bytes);
    this.#total += bytes;
    // A request whose body was read completely is answered, which releases it; any other ends with its connection.
    raw.once('close', () => {
      if (!raw.readableEnded) this.release(request);
    });
  }

  /** Idempotent. */
  release(request: Pick<FastifyRequest, 'raw'>): void {
    this.#total -= this.#bytesByRequest.get(request) ?? 0;
    this.#bytesByRequest.delete(request);
  }
}

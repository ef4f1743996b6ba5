/**
 * How many bytes of requests this process has in hand: each counts from before its body is read until it is answered, or
 * until whoever sent it is gone.
 */
import type { FastifyRequest } from 'fastify';

export class InFlightBytes {
  readonly #bytesByRequest = new WeakMap<FastifyRequest, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  reserve(request: FastifyRequest, bytes: number): void {
    const { raw } = request;
    // Gone while it waited for its turn: nothing will ever be heard of it again.
    if (raw.destroyed) return;
    this.#bytesByRequest.set(request, bytes);
    this.#total += bytes;
    // A body that has been read is answered; one that has not never will be.
    raw.once('close', () => {
      if (!raw.readableEnded) this.release(request);
    });
  }

  /** May be called more than once. */
  release(request: FastifyRequest): void {
    this.#total -= this.#bytesByRequest.get(request) ?? 0;
    this.#bytesByRequest.delete(request);
  }
}

/**
 * How many bytes of requests this process has in hand: each counts from before its body is read until it is answered, or
 * until whoever sent it is gone.
 */
import type { FastifyRequest } from 'fastify';

export class BytesInHand {
  readonly #bytes = new WeakMap<FastifyRequest, number>();
  #sum = 0;

  get sum(): number {
    return this.#sum;
  }

  take(request: FastifyRequest, bytes: number): void {
    const { raw } = request;
    // Gone while it waited for its turn: nothing will ever be heard of it again.
    if (raw.destroyed) return;
    this.#bytes.set(request, bytes);
    this.#sum += bytes;
    // A body that has been read is answered; one that has not never will be.
    raw.once('close', () => {
      if (!raw.readableEnded) this.give(request);
    });
  }

  /** May be called more than once. */
  give(request: FastifyRequest): void {
    this.#sum -= this.#bytes.get(request) ?? 0;
    this.#bytes.delete(request);
  }
}

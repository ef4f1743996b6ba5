/** Typed events by name. An error thrown by one listener does not affect the others. */
export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>();

  /** @returns a function that removes the listener */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    // A wrapper for each call, so that a function that was added twice is removed once by each unsubscription.
    const registered = (event: Events[Name]) => listener(event);
    listeners.add(registered);
    return () => void listeners.delete(registered);
  }

  hasListeners(name: keyof Events): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0;
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])] as ((event: Events[Name]) => void)[]) {
      try {
        listener(event);
      } catch (error) {
        // Rethrown outside the client, so that it reaches the app's global error handler.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

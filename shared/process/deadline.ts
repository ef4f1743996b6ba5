/**
 * A signal that aborts when another one does, or after a time. `AbortSignal.any` with `AbortSignal.timeout` is not reliable: Node
 * 20 garbage-collects a timeout that only such a signal refers to.
 */

export interface Deadline {
  readonly signal: AbortSignal;
  /** To be called when the work is done. */
  clear(): void;
}

export function startDeadline(signal: AbortSignal, timeoutMs: number): Deadline {
  const controller = new AbortController();
  const end = (reason: unknown) => {
    clear();
    controller.abort(reason);
  };
  const abort = () => end(signal.reason);
  const clear = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  };
  const timeOut = () => end(new DOMException(`no answer within ${timeoutMs / 1000} s`, 'TimeoutError'));
  const timer = setTimeout(timeOut, timeoutMs);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  return { signal: controller.signal, clear };
}

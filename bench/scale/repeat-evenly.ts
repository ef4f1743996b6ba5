/** Runs something for each of many items again and again, spread evenly over time. */
const tickMs = 2;

interface RepeatOptions {
  /** The number of items. */
  readonly count: number;
  /** The interval of each item. */
  readonly everyMs: number;
  /** @param dueAt a `performance.now()` time, independent of how late it runs */
  readonly run: (index: number, dueAt: number) => void;
}

/** @returns a function that stops it */
export function repeatEvenly({ count, everyMs, run }: RepeatOptions): () => void {
  const startedAt = performance.now();
  const stepMs = everyMs / count;
  let runs = 0;
  const timer = setInterval(() => {
    const due = (performance.now() - startedAt) / stepMs;
    for (; runs < due; runs++) run(runs % count, startedAt + runs * stepMs);
  }, tickMs);
  return () => clearInterval(timer);
}

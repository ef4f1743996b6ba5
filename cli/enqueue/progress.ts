/** The progress of a run: the share of the input's bytes that has been read, and how long the rest will take. */
import type { Progress } from '../output/progress.ts';
import { describeProgress, type EnqueueCounts } from './counts.ts';
import type { LineInput } from './input/open-inputs.ts';

const refreshMs = 100;
/** Before this, the speed is not known well enough for an estimate. */
const minSeconds = 2;

/** @returns a function that stops it */
export function showProgress(inputs: readonly LineInput[], counts: EnqueueCounts, progress: Progress): () => void {
  const startedAt = performance.now();
  const sizes = inputs.map(({ size }) => size);
  const show = () => {
    const text = describeProgress(counts);
    const total = sizes.reduce<number>((sum, size) => sum + (size ?? Number.NaN), 0);
    // The size of a pipe is not known.
    if (Number.isNaN(total)) return progress.show({ done: counts.lines, total: counts.lines + 1, text });
    const done = inputs.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
    const seconds = (performance.now() - startedAt) / 1000;
    progress.show({ done, total, text: `${text}${describeRest({ done, total, seconds })}` });
  };
  const ticker = setInterval(show, refreshMs);
  return () => clearInterval(ticker);
}

export function describeRest({ done, total, seconds }: { done: number; total: number; seconds: number }): string {
  if (seconds < minSeconds || done === 0 || done >= total) return '';
  const left = Math.ceil((seconds * (total - done)) / done);
  return left < 90 ? `, about ${left} s left` : `, about ${Math.ceil(left / 60)} min left`;
}

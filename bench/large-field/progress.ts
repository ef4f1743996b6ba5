/** Shows how far a step is, at most every ten seconds. */
const intervalMs = 10_000;

/** @returns a function to be called with how many updates are done, as often as is convenient */
export function createProgress(what: string): (done: number) => void {
  let shownAt = performance.now();
  return (done) => {
    if (performance.now() - shownAt < intervalMs) return;
    shownAt = performance.now();
    // Standard output has only the result.
    console.error(`  … ${what}: ${done.toLocaleString('en-US')} updates`);
  };
}

/** Medians, spreads and percentiles. Means are not used, since they are sensitive to outliers on a shared machine. */

export function percentile(values: readonly number[], quantile: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? Number.NaN;
}

/** The median; for an even count, the mean of the two middle values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [below, above] = [Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2)];
  return ((sorted[below] ?? Number.NaN) + (sorted[above] ?? Number.NaN)) / 2;
}

/** `median (lowest–highest)`, as tables show it. */
export function describeSpread(values: readonly number[], digits = 0): string {
  const [lowest, highest] = [Math.min(...values), Math.max(...values)];
  return `${format(median(values), digits)} (${format(lowest, digits)}–${format(highest, digits)})`;
}

export function format(value: number, digits = 0): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** The median of the per-round ratios, since values of the same round were measured under the same conditions. */
export function medianRatio(values: readonly number[], baselines: readonly number[]): number {
  return median(values.map((value, round) => value / (baselines[round] ?? Number.NaN)));
}

export function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}

/** The interface of a benchmark and its results. */
import type { BenchStack } from './stack/bench-stack.ts';

/** A measured value, compared with a limit or baseline that was measured in the same run. */
export interface Target {
  readonly what: string;
  readonly value: number;
  readonly limit: number | null;
  readonly ratio: number | null;
  /** The required value, as text. */
  readonly target: string;
  readonly met: boolean;
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  /** Explains the columns. */
  readonly note?: string;
}

export interface Plot {
  /** File name in docs/performance/. */
  readonly file: string;
  readonly title: string;
  /** Axis labels. */
  readonly x: string;
  readonly y: string;
  readonly series: readonly { readonly name: string; readonly points: readonly (readonly [number, number])[] }[];
}

export interface Findings {
  readonly tables: readonly Table[];
  readonly targets: readonly Target[];
  readonly plots?: readonly Plot[];
}

export interface BenchContext {
  readonly stack: BenchStack;
  /** A short run that only shows that the benchmark works; its values are not meaningful. */
  readonly isQuick: boolean;
  /** Prints progress. */
  readonly printLine: (line: string) => void;
}

export interface Bench {
  readonly name: string;
  readonly about: string;
  /** It restarts APIs and workers, which takes too long for a quick run of all benchmarks. */
  readonly requiresRestart?: boolean;
  /** Runs only if it is named, since it needs packages of its own. */
  readonly isOptional?: boolean;
  run(context: BenchContext): Promise<Findings>;
}

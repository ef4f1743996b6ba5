/** What a benchmark is, and what it finds. */
import type { BenchStack } from './stack/bench-stack.ts';

/** A figure beside the limit or the rival that was measured in the same run. */
export interface Target {
  readonly what: string;
  readonly value: number;
  readonly limit: number | null;
  readonly ratio: number | null;
  /** What was promised, in words. */
  readonly target: string;
  readonly met: boolean;
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  /** How to read it. */
  readonly note?: string;
}

export interface Plot {
  /** In docs/performance/. */
  readonly file: string;
  readonly title: string;
  /** What the axes show. */
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
  /** Short enough to find out that it works; its figures mean little. */
  readonly isQuick: boolean;
  /** How far it has come. */
  readonly printLine: (line: string) => void;
}

export interface Bench {
  readonly name: string;
  readonly about: string;
  /** It starts APIs and workers anew: too long for a quick run of all. */
  readonly requiresRestart?: boolean;
  run(context: BenchContext): Promise<Findings>;
}

/** Reports rejected lines: the first ones in full, the others as a count. */
import { pluralize } from '../../text/format-numbers.ts';
import type { LineLocation } from './read-lines.ts';

const maxShownLines = 20;

export interface LineProblem extends LineLocation {
  readonly reason: string;
}

export class LineReport {
  readonly #printLine: (line: string) => void;
  readonly shown: LineProblem[] = [];
  #count = 0;

  constructor(printLine: (line: string) => void) {
    this.#printLine = printLine;
  }

  add({ file, line }: LineLocation, reason: string): void {
    this.#count += 1;
    if (this.shown.length === maxShownLines) return;
    this.shown.push({ file, line, reason });
    this.#printLine(`${file}:${line}: ${reason}`);
  }

  /** Prints how many were not shown. */
  finish(): void {
    const hidden = this.#count - this.shown.length;
    if (hidden > 0) this.#printLine(`… and ${pluralize(hidden, 'more such line')}`);
  }
}

/** Tells of lines that were not taken over: the first of them in full, the others as a number. */

import { counted } from '../../output/format-numbers.ts';
import type { Place } from './read-lines.ts';

const shownLines = 20;

export interface LineProblem extends Place {
  readonly reason: string;
}

export class LineReport {
  readonly #say: (line: string) => void;
  readonly shown: LineProblem[] = [];
  #count = 0;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  add({ file, line }: Place, reason: string): void {
    this.#count += 1;
    if (this.shown.length === shownLines) return;
    this.shown.push({ file, line, reason });
    this.#say(`${file}:${line}: ${reason}`);
  }

  /** Says how many were not shown. */
  finish(): void {
    const hidden = this.#count - this.shown.length;
    if (hidden > 0) this.#say(`… and ${counted(hidden, 'more such line')}`);
  }
}

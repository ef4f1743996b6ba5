/** What an import took, changed and left out, counted by kind and reason, with examples of each for checking. */
import { renderTable } from '../output/render-table.ts';
import { formatCount } from '../text/format-numbers.ts';

const maxExamples = 3;
const maxExampleLength = 60;
/** Reasons are fixed texts or zod's messages. This is only a safeguard. */
const maxReasons = 100;

export type ImportedKind = 'particles' | 'quantum fields' | 'clocks' | 'conflicts' | 'states';

interface Finding {
  readonly kind: ImportedKind;
  readonly result: 'dropped' | 'changed';
  readonly reason: string;
  count: number;
  readonly examples: string[];
}

export class ImportReport {
  readonly #taken = new Map<ImportedKind, number>();
  readonly #findings = new Map<string, Finding>();

  take(kind: ImportedKind, count: number): void {
    this.#taken.set(kind, (this.#taken.get(kind) ?? 0) + count);
  }

  drop(kind: ImportedKind, reason: string, example?: string, count = 1): void {
    this.#add('dropped', kind, reason, example, count);
  }

  change(kind: ImportedKind, reason: string, example?: string): void {
    this.#add('changed', kind, reason, example, 1);
  }

  toJson() {
    return { taken: Object.fromEntries(this.#taken), findings: [...this.#findings.values()] };
  }

  render(): string {
    const taken = [...this.#taken].map(([kind, count]) => ['taken', formatCount(count), kind, '']);
    const findings = [...this.#findings.values()].map(({ kind, result, reason, count, examples }) => {
      const named = examples.length > 0 ? ` (${examples.join(', ')}${count > examples.length ? ', …' : ''})` : '';
      return [result, formatCount(count), kind, `${reason}${named}`];
    });
    return renderTable([...taken, ...findings]);
  }

  #add(result: Finding['result'], kind: ImportedKind, reason: string, example: string | undefined, count: number) {
    const text = this.#findings.size < maxReasons ? reason : 'other reasons';
    const key = `${result} ${kind} ${text}`;
    const finding = this.#findings.get(key) ?? { kind, result, reason: text, count: 0, examples: [] };
    finding.count += count;
    if (example !== undefined && finding.examples.length < maxExamples) {
      finding.examples.push(example.slice(0, maxExampleLength).toWellFormed());
    }
    this.#findings.set(key, finding);
  }
}

/** What was sent and how it was met, by kind; and everything that should not have been. */
import { problemSchema } from '../../shared/contract/problem.ts';
import { closeCodes } from '../../shared/contract/wire.ts';
import type { Kind } from './attempt.ts';
import type { HttpResponse } from './send/http-connection.ts';
import type { MessageResponse } from './send/send-messages.ts';

/** Of protocol errors (RFC 6455, section 7.4.1), and our own. */
const expectedCloseCodes: ReadonlySet<number> = new Set([1002, 1003, 1006, 1007, ...Object.values(closeCodes)]);
/** More of them say nothing new. */
const maxViolations = 40;

export class ResponseCounts {
  readonly violations: string[] = [];
  readonly #rows = new Map<string, { sent: number; answers: Map<string, number> }>();
  sent = 0;

  recordHttp(kind: Kind, request: string, answers: readonly HttpResponse[], mayBeCut: boolean): void {
    this.#count(kind, answers.length > 0 ? answers.map(({ status }) => String(status)) : ['cut'], 1);
    if (answers.length === 0 && !mayBeCut) this.addViolation(`${request}: the connection ended without an answer`);
    for (const answer of answers) {
      const wrong = kind.allows(answer.status) ? findDefect(answer) : `status ${answer.status}`;
      if (wrong) this.addViolation(`${request}: ${wrong}: ${answer.body.slice(0, 200)}`);
    }
  }

  recordMessages(kind: Kind, request: string, answers: readonly MessageResponse[]): void {
    const words = answers.map(({ status, closed, defect }) => defect ?? (status ? String(status) : `closed ${closed}`));
    this.#count(kind, words, answers.length);
    for (const { status, closed, defect } of answers) {
      if (defect) this.addViolation(`${request}: ${defect}`);
      if (status !== undefined && !kind.allows(status)) this.addViolation(`${request}: an error with status ${status}`);
      if (closed !== undefined && !expectedCloseCodes.has(closed))
        this.addViolation(`${request}: closed with ${closed}`);
    }
  }

  addViolation(violation: string): void {
    if (this.violations.length < maxViolations) this.violations.push(violation);
  }

  toRows(): readonly (readonly string[])[] {
    return [...this.#rows]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, { sent, answers }]) => [name, String(sent), describe(answers)]);
  }

  /** How often an answer was given, over all kinds. */
  countResponses(answer: string): number {
    return [...this.#rows.values()].reduce((sum, { answers }) => sum + (answers.get(answer) ?? 0), 0);
  }

  /** A request may have no answer, or, where two hide in one, several. */
  #count({ name }: Kind, words: readonly string[], sent: number): void {
    const row = this.#rows.get(name) ?? { sent: 0, answers: new Map<string, number>() };
    this.#rows.set(name, row);
    this.sent += sent;
    row.sent += sent;
    for (const word of words) row.answers.set(word, (row.answers.get(word) ?? 0) + 1);
  }
}

function describe(answers: ReadonlyMap<string, number>): string {
  const sorted = [...answers].sort(([, one], [, other]) => other - one);
  return sorted.map(([word, count]) => `${word}: ${count}`).join(', ');
}

function findDefect({ status, type, body }: HttpResponse): string | undefined {
  if (status < 400) return undefined;
  if (!type.startsWith('application/problem+json')) return `status ${status} as ${type || 'nothing'}`;
  const problem = problemSchema.safeParse(parse(body));
  if (!problem.success) return `status ${status} with a problem that is none`;
  return problem.data.status === status ? undefined : `status ${status} with a problem of ${problem.data.status}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

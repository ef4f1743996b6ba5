/** Counts responses by kind of input, and collects violations. */
import { problemSchema } from '../../shared/contract/problem.ts';
import { closeCodes } from '../../shared/contract/wire.ts';
import type { Kind } from './attempt.ts';
import type { HttpResponse } from './send/http-connection.ts';
import type { MessageResponse } from './send/send-messages.ts';

/** Protocol errors (RFC 6455, section 7.4.1) and the project's own codes. */
const expectedCloseCodes: ReadonlySet<number> = new Set([1002, 1003, 1006, 1007, ...Object.values(closeCodes)]);
/** Further violations are dropped. */
const maxViolations = 40;

export class ResponseCounts {
  readonly violations: string[] = [];
  readonly #rows = new Map<string, { sent: number; responses: Map<string, number> }>();
  sent = 0;

  recordHttp(kind: Kind, request: string, responses: readonly HttpResponse[], mayBeCut: boolean): void {
    this.#count(kind, responses.length > 0 ? responses.map(({ status }) => String(status)) : ['cut'], 1);
    if (responses.length === 0 && !mayBeCut) this.addViolation(`${request}: the connection ended without a response`);
    for (const response of responses) {
      const defect = kind.allows(response.status) ? findDefect(response) : `status ${response.status}`;
      if (defect) this.addViolation(`${request}: ${defect}: ${response.body.slice(0, 200)}`);
    }
  }

  recordMessages(kind: Kind, request: string, responses: readonly MessageResponse[]): void {
    const outcomes = responses.map(
      ({ status, closed, defect }) => defect ?? (status ? String(status) : `closed ${closed}`),
    );
    this.#count(kind, outcomes, responses.length);
    for (const { status, closed, defect } of responses) {
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
      .map(([name, { sent, responses }]) => [name, String(sent), describe(responses)]);
  }

  /** The number of responses with this outcome, over all kinds. */
  countResponses(outcome: string): number {
    return [...this.#rows.values()].reduce((sum, { responses }) => sum + (responses.get(outcome) ?? 0), 0);
  }

  /** A request may have no response, or several if it was read as two requests. */
  #count({ name }: Kind, outcomes: readonly string[], sent: number): void {
    const row = this.#rows.get(name) ?? { sent: 0, responses: new Map<string, number>() };
    this.#rows.set(name, row);
    this.sent += sent;
    row.sent += sent;
    for (const outcome of outcomes) row.responses.set(outcome, (row.responses.get(outcome) ?? 0) + 1);
  }
}

function describe(responses: ReadonlyMap<string, number>): string {
  const sorted = [...responses].sort(([, one], [, other]) => other - one);
  return sorted.map(([outcome, count]) => `${outcome}: ${count}`).join(', ');
}

function findDefect({ status, type, body }: HttpResponse): string | undefined {
  if (status < 400) return undefined;
  if (!type.startsWith('application/problem+json')) return `status ${status} with content type ${type || 'none'}`;
  const problem = problemSchema.safeParse(parse(body));
  if (!problem.success) return `status ${status} with an invalid problem document`;
  return problem.data.status === status
    ? undefined
    : `status ${status} with a problem document of status ${problem.data.status}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

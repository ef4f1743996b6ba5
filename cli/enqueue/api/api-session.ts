/**
 * Requests of one run to the API. Throttled requests (429, or 503 when it is overloaded) are retried for as long as it takes, outages
 * up to a time limit. Retrying is safe, because updates are idempotent.
 */
import { z } from 'zod';
import { versionSchema } from '../../../shared/contract/ids.ts';
import { outcomeSchema } from '../../../shared/contract/receipt.ts';
import { computeSizePoints } from '../../../shared/contract/wire.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { SentUpdate } from '../../../shared/field/update.ts';
import { startDeadline } from '../../../shared/process/deadline.ts';
import { type RetryAttempt, retry } from '../../../shared/process/retry.ts';
import { CliError, reasonOf } from '../../errors/cli-error.ts';
import { outageRetry } from '../resilient-backends.ts';
import { ApiRefusal, exceedsQuota, isThrottled, parseJson, parseRefusal } from './api-refusal.ts';

/** Longer than the longest time that the API waits for results. */
const requestTimeoutMs = 45_000;
const waitSeconds = 30;
const throttleRetry = { initialDelayMs: 500, maxDelayMs: 5000 } as const;

/** Not strict, because a newer API may add properties. */
const acceptedSchema = z.object({ adjusted: z.array(z.int()).default([]) });
const appliedSchema = acceptedSchema.extend({
  version: versionSchema,
  results: z.array(z.object({ counter: z.int(), outcome: outcomeSchema })),
});
const stateSchema = z.object({ version: versionSchema, memoryParticles: z.array(z.object({ id: z.string() })) });

type AppliedUpdates = z.infer<typeof appliedSchema>;

/** Without `applied`, the updates were accepted, but are not known to be applied yet. */
export interface SendResult {
  readonly adjusted: readonly number[];
  readonly applied: AppliedUpdates | undefined;
  /** Whether an earlier attempt without an answer may have been accepted. */
  readonly isRepeated: boolean;
}

interface ApiSessionDeps {
  readonly url: string;
  readonly field: FieldId;
  readonly isLowPriority: boolean;
  /** Whether to wait for results. */
  readonly wait: boolean;
  readonly printLine: (line: string) => void;
  /** Ends retrying. */
  readonly signal: AbortSignal;
  /** Ends the request in flight as well. */
  readonly abortSignal: AbortSignal;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

interface ApiRequest extends RequestInit {
  /** Its cost in points of a rate limit. */
  readonly points?: number;
  readonly onRetry?: (error: unknown) => void;
}

export class ApiSession {
  readonly #deps: ApiSessionDeps;
  readonly #reported = new Set<string>();

  constructor(deps: ApiSessionDeps) {
    this.#deps = deps;
  }

  /**
   * Sends updates of the token's device.
   * @throws ApiRefusal if they can never be accepted
   * @throws CliError `unreachable` after a long outage, `usage` if the token does not allow them
   */
  async send(token: string, updates: readonly SentUpdate[]): Promise<SendResult> {
    const { isLowPriority, wait } = this.#deps;
    const prefer = [wait ? `wait=${waitSeconds}` : '', isLowPriority ? 'priority=low' : ''].filter(Boolean).join(', ');
    const body = JSON.stringify({ updates });
    const points = 1 + updates.length + computeSizePoints(Buffer.byteLength(body));
    let isRepeated = false;
    const response = await this.#request('updates', token, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(prefer ? { prefer } : {}) },
      ...{ body, points },
      onRetry: (error) => {
        isRepeated ||= !isThrottled(error);
      },
    });
    if (response.status === 200) {
      const applied = this.#parse(response, appliedSchema);
      return { applied, adjusted: applied.adjusted, isRepeated };
    }
    const { adjusted } = this.#parse(response, acceptedSchema);
    return { applied: undefined, adjusted, isRepeated };
  }

  /** The field's version and the ids of its particles; undefined if the token may not read, or there is no field yet. */
  async readField(token: string): Promise<{ version: number; particles: ReadonlyMap<string, unknown> } | undefined> {
    try {
      const { version, memoryParticles } = this.#parse(await this.#request('', token), stateSchema);
      return { version, particles: new Map(memoryParticles.map(({ id }) => [id, id])) };
    } catch (error) {
      const refusal = error instanceof CliError ? error.cause : error;
      if (refusal instanceof ApiRefusal && refusal.status < 500) return undefined;
      throw error;
    }
  }

  /** @throws CliError `usage` when the address is not that of an API of this project */
  #parse<T>({ text }: Answer, schema: z.ZodType<T>): T {
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw this.#createOtherServerError();
  }

  #createOtherServerError(cause?: unknown): CliError {
    const hint = 'Check the address of --api: it is the part before /api.';
    return new CliError('usage', `${this.#deps.url} does not answer as this API does.`, { hint, cause });
  }

  async #request(
    path: 'updates' | '',
    token: string,
    { onRetry, points = 1, headers, ...init }: ApiRequest = {},
  ): Promise<Answer> {
    const { url, field, signal } = this.#deps;
    const address = `${url}/api/fields/${field}${path ? `/${path}` : ''}`;
    const minDelayMs = (error: unknown) => (error instanceof ApiRefusal ? error.retryAfterMs : undefined);
    const report = (error: unknown, { attempt }: RetryAttempt) => {
      onRetry?.(error);
      if (attempt === 1) this.#report(error);
    };
    const post = () => this.#fetch(address, { ...init, headers: { ...headers, authorization: `Bearer ${token}` } });
    const postThroughOutage = () =>
      retry(post, { ...outageRetry, isRetryable: isOutage, minDelayMs, onRetry: report, signal });
    try {
      return await retry(postThroughOutage, {
        ...{ ...throttleRetry, isRetryable: (error) => isThrottled(error) && !exceedsQuota(error, points) },
        ...{ minDelayMs, onRetry: report, signal },
      });
    } catch (error) {
      throw this.#explain(error);
    }
  }

  async #fetch(address: string, init: RequestInit): Promise<Answer> {
    // A redirect would carry the token to another server.
    const deadline = startDeadline(this.#deps.abortSignal, requestTimeoutMs);
    try {
      const response = await fetch(address, { ...init, redirect: 'error', signal: deadline.signal });
      const text = await response.text();
      if (response.ok) return { status: response.status, text };
      throw parseRefusal(response, text);
    } finally {
      deadline.clear();
    }
  }

  /** Reports each reason once a run, because a limit is hit again every few requests. */
  #report(error: unknown): void {
    const code = error instanceof ApiRefusal ? error.code : 'unreachable';
    if (this.#reported.has(code)) return;
    this.#reported.add(code);
    const how = isThrottled(error) ? 'asks to send more slowly' : 'is unreachable, retrying';
    this.#deps.printLine(`The API ${how}: ${describe(error)}`);
  }

  #explain(error: unknown): unknown {
    const { url, signal } = this.#deps;
    if (error instanceof ApiRefusal && (error.status === 401 || error.status === 403)) {
      const hint =
        'Get a token for this device and field, with the scope field:write; the same command then continues.';
      return new CliError('usage', `The API refuses the token: ${error.message}`, { hint, cause: error });
    }
    const isOtherServer =
      error instanceof ApiRefusal && [404, 405].includes(error.status) && error.code !== 'field_not_found';
    if (isOtherServer) return this.#createOtherServerError(error);
    if (signal.aborted || !isOutage(error)) return error;
    return new CliError(
      'unreachable',
      `${url} was unreachable for ${outageRetry.timeoutMs / 1000} s: ${describe(error)}`,
      {
        hint: 'Check the address of --api and that the API is running; the same command then continues.',
        cause: error,
      },
    );
  }
}

/** Whether there was no answer, or one that a retry may change. */
function isOutage(error: unknown): boolean {
  if (error instanceof ApiRefusal) return error.status >= 500 && !isThrottled(error);
  return !(error instanceof CliError);
}

function describe(error: unknown): string {
  return reasonOf(error instanceof Error && error.cause instanceof Error ? error.cause : error);
}

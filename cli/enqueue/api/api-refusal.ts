/** A response of the API that is an error. */
import { z } from 'zod';

const maxShownErrors = 3;
const maxRetryAfterSeconds = 300;
const problemSchema = z.object({
  code: z.string(),
  title: z.string().optional(),
  detail: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

interface RefusalDetails {
  readonly status: number;
  /** The `code` of the problem, or the status where there is none, for example from a proxy. */
  readonly code: string;
  readonly retryAfterMs: number | undefined;
  /** Points per window, if the response names a limit. */
  readonly quota: number | undefined;
}

export class ApiRefusal extends Error {
  override name = 'ApiRefusal';
  readonly status: number;
  readonly code: string;
  readonly retryAfterMs: number | undefined;
  readonly quota: number | undefined;

  constructor(message: string, { status, code, retryAfterMs, quota }: RefusalDetails) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
    this.quota = quota;
  }
}

export function parseRefusal({ status, headers }: Response, body: string): ApiRefusal {
  const problem = problemSchema.safeParse(parseJson(body)).data;
  const seconds = Number(headers.get('retry-after'));
  const quota = /;q=(\d{1,9})\b/.exec(headers.get('ratelimit-policy') ?? '')?.[1];
  return new ApiRefusal(problem ? describe(problem) : `it responded with ${status}`, {
    status,
    code: problem?.code ?? String(status),
    retryAfterMs: seconds > 0 ? Math.min(seconds, maxRetryAfterSeconds) * 1000 : undefined,
    quota: quota === undefined ? undefined : Number(quota),
  });
}

function describe({ code, title, detail, errors = [] }: z.infer<typeof problemSchema>): string {
  const shown = errors.slice(0, maxShownErrors).map(({ path, message }) => `${path}: ${message}`);
  const reasons = [detail ?? (shown.length === 0 ? title : undefined), ...shown].filter((text) => text !== undefined);
  return `${reasons.join('; ')} (${code})`;
}

/** Undefined for text that is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether the API is working, but throttles this request. */
export function isThrottled(error: unknown): boolean {
  return error instanceof ApiRefusal && (error.status === 429 || (error.status === 503 && error.code === 'overloaded'));
}

/** Whether a rate limit is below what one request costs, so that no pause helps. */
export function exceedsQuota(error: unknown, points: number): boolean {
  return error instanceof ApiRefusal && error.status === 429 && error.quota !== undefined && error.quota < points;
}

/**
 * Reports logged errors to a webhook: grouped by kind, rate-limited, bounded in memory and with secrets redacted. It never
 * blocks logging.
 */
import { z } from 'zod';
import type { Logger } from '../process/logger.ts';
import { redactSecrets } from './redact-secrets.ts';

const maxKinds = 50;
const maxTextLength = 1000;
/** Redaction scans more than is sent, so that a secret that truncation would split is recognized. */
const maxScanLength = 10_000;
const batchDelayMs = 200;
const sendTimeoutMs = 5000;
const maxIntervalMs = 300_000;

/** The fields of a line that are sent: none that are meant for data of users. Messages of errors are sent with secrets redacted. */
const lineSchema = z.object({
  time: z.number(),
  level: z.number(),
  msg: z.string().default(''),
  code: z.string().optional(),
  err: z.object({ type: z.string().default('Error'), message: z.string().default('') }).optional(),
});

interface ErrorKind {
  readonly message: string;
  readonly error: string | undefined;
  readonly level: 'error' | 'fatal';
  count: number;
  readonly firstAt: string;
  lastAt: string;
}

interface ErrorWebhookOptions {
  readonly url: string;
  /** The name of the process. */
  readonly service: string;
  /** The shortest time between two deliveries. */
  readonly minIntervalMs?: number;
}

export class ErrorWebhook {
  readonly #url: string;
  readonly #service: string;
  readonly #minIntervalMs: number;
  #kinds = new Map<string, ErrorKind>();
  #uncounted = 0;
  #failures = 0;
  #sentAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #log: Logger | undefined;

  constructor({ url, service, minIntervalMs = 10_000 }: ErrorWebhookOptions) {
    this.#url = url;
    this.#service = service;
    this.#minIntervalMs = minIntervalMs;
  }

  /** Where failed deliveries are logged. */
  set log(log: Logger) {
    this.#log = log;
  }

  /** Records a log line of level error or above. Never throws. */
  record(line: string): void {
    const parsed = lineSchema.safeParse(parseLine(line));
    if (!parsed.success) return;
    const { time, level, msg, code, err } = parsed.data;
    const error = err && `${err.type}: ${err.message}`;
    const key = `${msg} ${code ?? ''} ${err?.type ?? ''}`;
    const at = new Date(time).toISOString();
    const known = this.#kinds.get(key);
    if (known) {
      known.count += 1;
      known.lastAt = at;
    } else if (this.#kinds.size < maxKinds) {
      const text = error && toSafeText(error);
      const message = toSafeText(msg);
      const severity = level >= 60 ? 'fatal' : 'error';
      this.#kinds.set(key, { message, error: text, level: severity, count: 1, firstAt: at, lastAt: at });
    } else {
      this.#uncounted += 1;
    }
    this.#schedule();
  }

  /** Attempts to deliver the remaining errors once. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#send();
  }

  #schedule(): void {
    if (this.#timer) return;
    const intervalMs = Math.min(maxIntervalMs, this.#minIntervalMs * 2 ** this.#failures);
    const waitMs = Math.max(batchDelayMs, this.#sentAt + intervalMs - performance.now());
    this.#timer = setTimeout(() => {
      void this.#send().finally(() => {
        this.#timer = undefined;
        if (this.#kinds.size > 0) this.#schedule();
      });
    }, waitMs);
    this.#timer.unref();
  }

  async #send(): Promise<void> {
    const [kinds, uncounted] = [this.#kinds, this.#uncounted];
    if (kinds.size === 0) return;
    this.#kinds = new Map();
    this.#uncounted = 0;
    this.#sentAt = performance.now();
    try {
      const body = JSON.stringify(createPayload(this.#service, [...kinds.values()], uncounted));
      const headers = { 'content-type': 'application/json' };
      const signal = AbortSignal.timeout(sendTimeoutMs);
      const response = await fetch(this.#url, { method: 'POST', headers, body, signal, redirect: 'error' });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`the webhook answers ${response.status}`);
      this.#failures = 0;
    } catch (err) {
      this.#requeue(kinds, uncounted);
      this.#failures += 1;
      if (this.#failures === 1) this.#log?.warn({ err }, 'error webhook delivery failed');
    }
  }

  /** Merges undelivered errors with those recorded since. */
  #requeue(kinds: ReadonlyMap<string, ErrorKind>, uncounted: number): void {
    const newer = this.#kinds;
    this.#kinds = new Map(kinds);
    this.#uncounted += uncounted;
    for (const [key, kind] of newer) {
      const older = this.#kinds.get(key);
      if (older) Object.assign(older, { count: older.count + kind.count, lastAt: kind.lastAt });
      else if (this.#kinds.size < maxKinds) this.#kinds.set(key, kind);
      else this.#uncounted += kind.count;
    }
  }
}

/** `text` is displayed by chat programs; the other fields are for processing. */
function createPayload(service: string, errors: readonly ErrorKind[], uncounted: number) {
  const lines = errors.map(({ message, error, count }) => `${count} × ${message}${error ? ` (${error})` : ''}`);
  const text = [`${service}: ${errors.length === 1 ? 'an error' : `${errors.length} kinds of errors`}`, ...lines];
  return { service, text: text.join('\n'), errors, uncounted };
}

function toSafeText(text: string): string {
  return redactSecrets(text.slice(0, maxScanLength)).slice(0, maxTextLength);
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

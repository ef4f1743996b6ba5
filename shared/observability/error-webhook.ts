/**
 * Tells a webhook of the errors in the log: those that are alike together, and not too often. It never holds anything up,
 * keeps no more than it can count, and says no secrets. Knows lines of the log, and nothing of who wrote them.
 */
import { z } from 'zod';
import type { Logger } from '../process/logger.ts';
import { hideSecrets } from './redact-secrets.ts';

const maxKinds = 50;
const maxTextLength = 1000;
/** Looked through for secrets: more than is told, lest one is cut in two and not known for what it is. */
const maxReadLength = 10_000;
const gatherMs = 200;
const sendLimitMs = 5000;
const longestPauseMs = 300_000;

/** What of a line is told: no field that could hold somebody's data. */
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

interface WebhookOptions {
  readonly url: string;
  /** Whose errors they are. */
  readonly service: string;
  /** The shortest time between two sendings. */
  readonly pauseMs?: number;
}

export class ErrorWebhook {
  readonly #url: string;
  readonly #service: string;
  readonly #pauseMs: number;
  #kinds = new Map<string, ErrorKind>();
  #uncounted = 0;
  #failures = 0;
  #sentAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #log: Logger | undefined;

  constructor({ url, service, pauseMs = 10_000 }: WebhookOptions) {
    this.#url = url;
    this.#service = service;
    this.#pauseMs = pauseMs;
  }

  /** Where it says that it cannot reach the webhook. */
  set log(log: Logger) {
    this.#log = log;
  }

  /** Takes a line of the log of level error or above. Never throws. */
  note(line: string): void {
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
      const text = error && tell(error);
      const message = tell(msg);
      const severity = level >= 60 ? 'fatal' : 'error';
      this.#kinds.set(key, { message, error: text, level: severity, count: 1, firstAt: at, lastAt: at });
    } else {
      this.#uncounted += 1;
    }
    this.#schedule();
  }

  /** Sends what is left, once. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#send();
  }

  #schedule(): void {
    if (this.#timer) return;
    const pauseMs = Math.min(longestPauseMs, this.#pauseMs * 2 ** this.#failures);
    const waitMs = Math.max(gatherMs, this.#sentAt + pauseMs - Date.now());
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
    this.#sentAt = Date.now();
    try {
      const body = JSON.stringify(describe(this.#service, [...kinds.values()], uncounted));
      const headers = { 'content-type': 'application/json' };
      const signal = AbortSignal.timeout(sendLimitMs);
      const answer = await fetch(this.#url, { method: 'POST', headers, body, signal, redirect: 'error' });
      await answer.body?.cancel();
      if (!answer.ok) throw new Error(`the webhook answers ${answer.status}`);
      this.#failures = 0;
    } catch (err) {
      this.#keep(kinds, uncounted);
      this.#failures += 1;
      if (this.#failures === 1) this.#log?.warn({ err }, 'the error webhook cannot be reached');
    }
  }

  /** What could not be told is told the next time, with what has come since. */
  #keep(kinds: ReadonlyMap<string, ErrorKind>, uncounted: number): void {
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

/** `text` is what chat programs show; the rest is for programs. */
function describe(service: string, errors: readonly ErrorKind[], uncounted: number) {
  const lines = errors.map(({ message, error, count }) => `${count} × ${message}${error ? ` (${error})` : ''}`);
  const text = [`${service}: ${errors.length === 1 ? 'an error' : `${errors.length} kinds of errors`}`, ...lines];
  return { service, text: text.join('\n'), errors, uncounted };
}

function tell(text: string): string {
  return hideSecrets(text.slice(0, maxReadLength)).slice(0, maxTextLength);
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

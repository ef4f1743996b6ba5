/**
 * Sends one message to a receiver, with a new connection to an address that is checked after the DNS lookup, without following
 * redirects or reading the body of the response, and within a total timeout.
 */
import { lookup as lookUp } from 'node:dns';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { startDeadline } from '../../shared/process/deadline.ts';
import { describeBadTarget, isPublicAddress, type TargetRules } from '../../shared/webhooks/public-address.ts';

const timeoutMs = 10_000;
const maxHeaderBytes = 16_384;

interface PostedMessage {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface PostOptions {
  readonly rules: TargetRules;
  /** Aborts when the worker stops. */
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** From `Retry-After`. */
  readonly retryAfterSeconds: number | undefined;
}

/** @throws Error if the address is not allowed, or there is no answer in time */
export async function postMessage({ url, headers, body }: PostedMessage, options: PostOptions): Promise<Answer> {
  const { rules, signal } = options;
  const problem = describeBadTarget(url, rules);
  if (problem) throw new Error(`the address is not allowed: ${problem}`);
  const send = url.startsWith('https:') ? requestHttps : requestHttp;
  const deadline = startDeadline(signal, timeoutMs);
  const answered = new Promise<Answer>((resolve, reject) => {
    const request = send(url, {
      method: 'POST',
      agent: false,
      headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      lookup: rules.allowPrivate ? undefined : lookUpPublic,
      maxHeaderSize: maxHeaderBytes,
      signal: deadline.signal,
    });
    request.on('response', (response) => {
      const { statusCode: status = 0 } = response;
      resolve({ status, retryAfterSeconds: parseRetryAfter(response.headers['retry-after']) });
      response.on('error', () => undefined);
      response.destroy();
    });
    // The server may answer with an upgrade, or close the connection without a response.
    request.on('upgrade', ({ statusCode = 0 }, socket) => {
      socket.destroy();
      resolve({ status: statusCode, retryAfterSeconds: undefined });
    });
    request.on('close', () => reject(new Error('the connection ended without an answer')));
    request.on('error', (error: NodeJS.ErrnoException) => {
      reject(error.name === 'AbortError' ? new Error(`no answer within ${timeoutMs / 1000} s`) : error);
    });
    request.end(body);
  });
  // Runs also when sending throws.
  return answered.finally(() => deadline.clear());
}

/** `Retry-After` is either in seconds or a date. */
function parseRetryAfter(text = ''): number | undefined {
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return seconds > 0 ? seconds : undefined;
}

/** The connection uses the addresses checked here. A second lookup could return others (DNS rebinding). */
const lookUpPublic: LookupFunction = (hostname, options, callback) => {
  lookUp(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, []);
    const refused = addresses.find(({ address }) => !isPublicAddress(address));
    if (refused)
      return callback(new Error(`${hostname} leads to ${refused.address}, which is not a public address`), []);
    const [first] = addresses;
    if (options.all) return callback(null, addresses);
    return callback(null, first?.address ?? '', first?.family);
  });
};

/** Plays a scenario of docs/vectors/exchanges.json with an API. */
import { randomBytes } from 'node:crypto';
import type { Answer, Exchange, Scenario } from '../../vectors/exchanges/scenarios.ts';
import type { TestApi, TestResponse } from './with-app.ts';

type Values = Map<string, string>;

/** @returns a line for each part of an answer that is not as expected */
export async function playScenario(api: TestApi, { devices, exchanges }: Scenario): Promise<string[]> {
  const values: Values = new Map([['field', `vectors-${randomBytes(4).toString('hex')}`]]);
  for (const device of devices) {
    const { body } = await api.request('/api/devices', { body: {} });
    values.set(`device ${device}`, body.deviceId).set(`token ${device}`, body.token);
  }
  const differences: string[] = [];
  for (const exchange of exchanges) {
    const response = await sendExchange(api, exchange, values);
    const found = compareAnswer(response, exchange.answer, values);
    differences.push(...found.map((difference) => `${exchange.method ?? ''} ${exchange.path}: ${difference}`));
  }
  return differences;
}

function sendExchange(api: TestApi, { as, method, path, headers, body, text }: Exchange, values: Values) {
  const token = as === undefined ? undefined : values.get(`token ${as}`);
  return api.request(fillIn(path, values), {
    ...(method === undefined ? {} : { method }),
    ...(token === undefined ? {} : { token }),
    headers: JSON.parse(fillIn(JSON.stringify(headers ?? {}), values)),
    body: text ?? (body && JSON.parse(fillIn(JSON.stringify(body), values))),
  });
}

const variable = /\{([a-z]+(?: \w+)?)\}/g;

function fillIn(text: string, values: Values): string {
  return text.replace(variable, (whole, name) => values.get(name) ?? whole);
}

function compareAnswer(response: TestResponse, { status, headers = {}, body }: Answer, values: Values): string[] {
  const differences = response.status === status ? [] : [`status ${response.status} ${response.text}`];
  for (const [name, expected] of Object.entries(headers)) {
    differences.push(...compare(response.headers.get(name) ?? undefined, expected, values, name));
  }
  return body === undefined ? differences : [...differences, ...compare(response.body, body, values, '')];
}

/** What is expected of an object is that it has these members, perhaps among others. */
function compare(actual: unknown, expected: unknown, values: Values, path: string): string[] {
  if (typeof expected === 'string') return compareText(actual, expected, values, path);
  if (typeof expected !== 'object' || expected === null) {
    return actual === expected ? [] : [`${path} is ${JSON.stringify(actual)}`];
  }
  if (typeof actual !== 'object' || actual === null) return [`${path} is ${JSON.stringify(actual)}`];
  if (Array.isArray(expected) && (actual as unknown[]).length !== expected.length)
    return [`${path} has another length`];
  return Object.entries(expected).flatMap(([key, value]) => {
    const name = fillIn(key, values);
    return compare((actual as Record<string, unknown>)[name], value, values, `${path}/${name}`);
  });
}

function compareText(actual: unknown, expected: string, values: Values, path: string): string[] {
  if (expected === '{time}' && typeof actual === 'number') return [];
  const names: string[] = [];
  const pattern = escapePattern(fillIn(expected, values)).replace(/\\\{([a-z]+(?: \w+)?)\\\}/g, (_, name) => {
    names.push(name);
    return '(.+)';
  });
  const match = typeof actual === 'string' && new RegExp(`^${pattern}$`, 's').exec(actual);
  if (!match) return [`${path} is ${JSON.stringify(actual)}, not ${fillIn(expected, values)}`];
  for (const [index, name] of names.entries()) if (name !== 'any') values.set(name, match[index + 1] ?? '');
  return [];
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Requests with the client's token to routes of the API for which it has no method. */
import type { FieldClient } from '../../client/types.ts';
import { pageAddress } from './address.ts';

interface Problem {
  readonly title?: string;
  readonly detail?: string;
}

/**
 * @param path below `/api/`
 * @throws Error with the server's explanation, or when it does not answer
 */
export async function requestApi(client: FieldClient, path: string, init: RequestInit = {}): Promise<Response> {
  const authorization = `Bearer ${await client.getToken()}`;
  const headers = { ...init.headers, authorization };
  const response = await fetch(`${pageAddress()}api/${path}`, { ...init, headers }).catch((error: unknown) => {
    throw new Error('The server cannot be reached', { cause: error });
  });
  if (response.ok) return response;
  const { detail, title } = ((await response.json().catch(() => undefined)) ?? {}) as Problem;
  throw new Error(detail ?? title ?? `The server answered with ${response.status}`);
}

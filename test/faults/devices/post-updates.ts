/** Sends one POST of updates. The status is 0 if there was no complete response. */
import type { FieldId } from '../../../shared/field/ids.ts';
import type { SentUpdate } from '../../../shared/field/update.ts';

const timeoutMs = 4000;

export interface PostOptions {
  readonly address: string;
  readonly field: FieldId;
  readonly token: string;
  readonly updates: readonly SentUpdate[];
}

export interface PostResponse {
  readonly status: number;
  readonly text: string;
  /** Stated by the receipt; undefined without one. */
  readonly durability: string | undefined;
}

export async function postUpdates({ address, field, token, updates }: PostOptions): Promise<PostResponse> {
  try {
    const response = await fetch(`${address}/api/fields/${field}/updates`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ updates }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    const { status } = response;
    if (status !== 202) return { status, text, durability: undefined };
    return { status, text, durability: (JSON.parse(text) as { durability: string }).durability };
  } catch {
    // Without a complete response it is unknown whether the updates were accepted, so the caller sends them again.
    return { status: 0, text: '', durability: undefined };
  }
}

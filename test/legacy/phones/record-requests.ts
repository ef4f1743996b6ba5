/** Records what the original's tRPC client sends and gets, without changing it. */
import type { SentRequest } from './report.ts';

const prefix = '/api/trpc/consciousness.';

interface Recorder {
  readonly requests: readonly SentRequest[];
  readonly inFlight: number;
}

interface TrpcBody {
  readonly json?: Readonly<Record<string, unknown>>;
  readonly result?: { readonly data?: TrpcBody };
}

/** Replaces the global `fetch`, which the client calls. */
export function recordRequests(): Recorder {
  const requests: SentRequest[] = [];
  const original = globalThis.fetch;
  let inFlight = 0;
  globalThis.fetch = async (url, options) => {
    const path = new URL(String(url)).pathname.replace(prefix, '');
    const body = typeof options?.body === 'string' ? (JSON.parse(options.body) as TrpcBody) : {};
    const request: SentRequest = { procedure: path, input: body.json ?? {} };
    requests.push(request);
    inFlight += 1;
    try {
      const response = await original(url, options);
      const copy = response.clone();
      const answered = (await copy.json()) as TrpcBody;
      request.status = response.status;
      if (answered.result?.data?.json) request.answer = answered.result.data.json;
      return response;
    } catch (error) {
      request.failure = (error as Error).name;
      throw error;
    } finally {
      inFlight -= 1;
    }
  };
  return {
    requests,
    get inFlight() {
      return inFlight;
    },
  };
}

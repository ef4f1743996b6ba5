/** What is between a device and the APIs: a load balancer, requests, and streams as WebSockets. */
import type { SocketConstructor } from '../../../../client/options.ts';
import type { DeviceId } from '../../../../shared/field/ids.ts';
import type { SentUpdate } from '../../../../shared/field/update.ts';
import type { LinkState } from '../../models/link.ts';
import { type ApiRequest, type ApiResponse, handleRequest } from '../api-routes.ts';
import type { Environment } from '../environment.ts';
import type { SimApi } from '../sim-api.ts';
import { ModelSocket } from './model-socket.ts';
import { parseUrl } from './parse-url.ts';

export class DeviceNetwork {
  state: LinkState = 'ok';
  slownessMs = 0;
  /** The probability that a request's answer is lost. */
  answerLoss = 0;
  readonly #environment: Environment;
  readonly #apis: readonly SimApi[];
  readonly #device: DeviceId;
  readonly #onText: (text: string) => void;

  /** @param onText called with everything that the device receives */
  constructor(
    environment: Environment,
    apis: readonly SimApi[],
    device: DeviceId,
    onText: (text: string) => void = () => undefined,
  ) {
    this.#environment = environment;
    this.#apis = apis;
    this.#device = device;
    this.#onText = onText;
  }

  repair(): void {
    this.state = 'ok';
    this.slownessMs = 0;
    this.answerLoss = 0;
  }

  /** One way, in ms. */
  latency(): number {
    const { random } = this.#environment;
    return 2 + 20 * random.next() ** 2 + this.slownessMs * random.next();
  }

  /** What the device gets of a text that was sent to it. */
  receive(sent: string): string {
    const text = this.#environment.variants.textFor(this.#device, sent);
    this.#onText(text);
    return text;
  }

  /** The API that the load balancer sends the next connection to. */
  pickApi(): SimApi | undefined {
    const running = this.#apis.filter(({ services }) => services !== undefined);
    return running.length > 0 ? this.#environment.random.pick(running) : undefined;
  }

  /** Replaces `fetch`. */
  readonly fetch = ((url: string, init: RequestInit) =>
    new Promise<Response>((resolve, reject) => {
      const { time } = this.#environment;
      const owner = time.current;
      const api = this.pickApi();
      const fail = (message: string) => time.scheduleFor(owner, this.latency(), () => reject(new TypeError(message)));
      init.signal?.addEventListener('abort', () => reject(new Error('This operation was aborted')));
      if (this.state === 'silent') return;
      if (this.state === 'refused' || !api) return void fail('fetch failed');
      const removeListener = api.onKill(() => fail('other side closed'));
      time.scheduleFor(api.process, this.latency(), async () => {
        const services = api.services;
        if (!services) return void fail('other side closed');
        const { matchesEtag } = this.#environment.variants;
        const response = await handleRequest({ ...services, matchesEtag }, this.#toRequest(url, init));
        removeListener();
        if (this.state === 'silent') return;
        const isLost = this.state === 'refused' || this.#environment.random.chance(this.answerLoss);
        if (isLost) return void fail('other side closed');
        time.scheduleFor(owner, this.latency(), () => resolve(this.#toResponse(response)));
      });
    })) as typeof globalThis.fetch;

  /** Replaces `WebSocket`. */
  createSocketConstructor(): SocketConstructor {
    const deps = { environment: this.#environment, network: this, device: this.#device };
    return class extends ModelSocket {
      constructor(url: string) {
        super(deps, url);
      }
    };
  }

  #toRequest(url: string, init: RequestInit): ApiRequest {
    const headers = (init.headers ?? {}) as Readonly<Record<string, string>>;
    const { field, path } = parseUrl(url);
    const body = typeof init.body === 'string' ? (JSON.parse(init.body) as { updates: SentUpdate[] }) : undefined;
    return {
      field,
      path,
      device: this.#device,
      ifNoneMatch: headers['if-none-match'],
      waitSeconds: Number(headers.prefer?.replace('wait=', '') ?? 0),
      updates: body?.updates,
    };
  }

  #toResponse({ status, etag, retryAfterSeconds, text: sent }: ApiResponse): Response {
    const text = this.receive(sent);
    const headers: Readonly<Record<string, string | null>> = { etag, 'retry-after': String(retryAfterSeconds) };
    return {
      ok: status >= 200 && status < 300,
      status,
      headers: { get: (name: string) => headers[name] ?? null },
      text: () => Promise.resolve(text),
    } as Response;
  }
}

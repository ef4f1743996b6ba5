/** A WebSocket of a device, in memory. */
import type { SocketLike } from '../../../../client/options.ts';
import type { Cursor } from '../../../../shared/field/cursor.ts';
import type { SimProcess } from '../../kernel/sim-process.ts';
import type { LinkState } from '../../models/link.ts';
import type { Environment } from '../environment.ts';
import type { SimApi } from '../sim-api.ts';
import { parseRegion, parseUrl } from './parse-url.ts';
import { type StreamPeer, StreamSession } from './stream-session.ts';

const [normalClosure, abnormalClosure] = [1000, 1006];

/** The network of a device, as far as its sockets need it. */
interface SocketNetwork {
  readonly state: LinkState;
  latency(): number;
  receive(sent: string): string;
  pickApi(): SimApi | undefined;
}

export interface SocketDeps {
  readonly environment: Environment;
  readonly network: SocketNetwork;
  readonly device: string;
}

type Listener = (event: never) => void;

export class ModelSocket implements SocketLike {
  readonly #deps: SocketDeps;
  readonly #owner: SimProcess | undefined;
  readonly #api: SimApi | undefined;
  /** The one that the socket leads to: a restarted API knows nothing of it. */
  readonly #apiProcess: SimProcess | undefined;
  readonly #listeners = new Map<string, Listener[]>();
  #session: StreamSession | undefined;
  #isClosed = false;
  #lastArrivalAt = 0;

  constructor(deps: SocketDeps, url: string) {
    this.#deps = deps;
    const { network, environment } = deps;
    this.#owner = environment.time.current;
    this.#api = network.pickApi();
    this.#apiProcess = this.#api?.process;
    if (network.state === 'silent') return;
    if (network.state === 'refused' || !this.#api) this.#later(() => this.#closeWith(abnormalClosure));
    else this.#connect(this.#api, url);
  }

  addEventListener(name: string, listener: Listener): void {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
  }

  send(text: string): void {
    if (this.#deps.network.state === 'ok') this.#atServer(() => this.#session?.receive(text));
    else this.#session?.lose();
  }

  close(): void {
    this.#closeWith(normalClosure);
    if (this.#deps.network.state !== 'silent') this.#atServer(() => this.#session?.end());
  }

  #connect(api: SimApi, url: string): void {
    const { environment, network, device } = this.#deps;
    const { time } = environment;
    const peer: StreamPeer = {
      process: this.#owner,
      onMessage: (text) => {
        if (!this.#isClosed) this.#emit('message', { data: network.receive(text) });
      },
      onClose: (code) => this.#closeWith(code),
    };
    this.#atServer(() => {
      if (this.#isClosed) return;
      const { field, path } = parseUrl(url);
      const query = new URLSearchParams(path.slice(path.indexOf('?')));
      const after = (query.get('after') ?? undefined) as Cursor | undefined;
      const request = { field, device, after, region: parseRegion(query.get('region')) };
      this.#session = new StreamSession({ time, network, api, peer }, request);
      this.#later(() => this.#emit('open', {}));
    });
  }

  #later(run: () => void): void {
    const { environment, network } = this.#deps;
    environment.time.scheduleFor(this.#owner, network.latency(), run);
  }

  /** What is sent keeps its order. */
  #atServer(run: () => void): void {
    const { environment, network } = this.#deps;
    if (!this.#apiProcess) return;
    const { time } = environment;
    const at = Math.max(time.now + network.latency(), this.#lastArrivalAt);
    this.#lastArrivalAt = at;
    time.scheduleFor(this.#apiProcess, at - time.now, run);
  }

  #closeWith(code: number): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#emit('close', { code });
  }

  #emit(name: string, event: object): void {
    for (const listener of this.#listeners.get(name) ?? []) listener(event as never);
  }
}

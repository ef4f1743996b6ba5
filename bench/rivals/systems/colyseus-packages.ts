/** What is used of the packages of Colyseus. They are not there when the types of this project are checked, so it is declared here. */
import { requireRivalPackage } from './rival-packages.ts';

/** An entry of the state. */
export interface Entry {
  x: number;
  y: number;
  z: number;
  resonance: number;
}

export interface EntryMap {
  readonly size: number;
  get(id: string): Entry | undefined;
  set(id: string, entry: Entry): void;
}

interface State {
  readonly entries: EntryMap;
}

type FieldType = { readonly fieldType: unique symbol };

interface Schema {
  readonly schema: (fields: Readonly<Record<string, FieldType>>, name: string) => new () => unknown;
  readonly t: { float64(): FieldType; map(item: unknown): FieldType };
  readonly Encoder: { BUFFER_SIZE: number };
  readonly encode: {
    number(to: Uint8Array, value: number, at: { offset: number }): void;
    string(to: Uint8Array, value: string, at: { offset: number }): void;
  };
  readonly Callbacks: { get(room: JoinedRoom): StateCallbacks };
}

interface StateCallbacks {
  onAdd(map: 'entries', listener: (entry: Entry) => void): void;
  listen(entry: Entry, name: keyof Entry, listener: (value: number) => void): void;
}

interface Room {
  autoDispose: boolean;
  state: unknown;
  onMessage<Message>(type: string, handler: (client: unknown, message: Message) => unknown): void;
}

interface Server {
  readonly transport: { readonly server: { address(): { readonly port: number } } };
  define(name: string, room: unknown): void;
  listen(port: number, host: string): Promise<void>;
}

interface Core {
  readonly Server: new (options: { transport: unknown; greet: boolean; gracefullyShutdown: boolean }) => Server;
  readonly Room: new () => Room;
}

export interface JoinedRoom {
  readonly reconnection: { enabled: boolean };
  readonly state: State;
  readonly onStateChange: { once(listener: (state: State) => void): void };
  leave(isConsented: boolean): Promise<unknown>;
}

interface Sdk {
  readonly Client: new (url: string) => { joinOrCreate(room: string): Promise<JoinedRoom> };
}

interface ColyseusPackages {
  readonly core: Core;
  readonly transport: { readonly WebSocketTransport: new () => unknown };
  readonly schema: Schema;
  readonly sdk: Sdk;
  readonly msgpack: { pack(value: unknown): Uint8Array };
}

let loaded: ColyseusPackages | undefined;

export function loadColyseusPackages(): ColyseusPackages {
  loaded ??= {
    core: requireRivalPackage('@colyseus/core'),
    transport: requireRivalPackage('@colyseus/ws-transport'),
    schema: requireRivalPackage('@colyseus/schema'),
    sdk: requireRivalPackage('@colyseus/sdk'),
    msgpack: requireRivalPackage('msgpackr'),
  };
  return loaded;
}

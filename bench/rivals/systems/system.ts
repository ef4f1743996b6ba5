/** What is compared: a system that shares one document of entries among devices, and acknowledges their updates. */

/** The entries of the document. An update replaces one of them. */
export const entryCount = 1000;

/** One update: the entry and what is written to it. The position carries the number, by which a watcher recognises it. */
export interface EntryUpdate {
  /** Unique in a run. */
  readonly number: number;
  readonly entry: number;
}

export interface Session {
  /** Sends an update of a device. Resolves when it is acknowledged. @throws if it is refused */
  send(device: number, update: EntryUpdate): Promise<void>;
  close(): void;
}

export interface Join {
  /** From the start of the connection until the state is decoded. */
  readonly ms: number;
  readonly bytes: number;
}

export interface System {
  readonly name: string;
  /** What an acknowledged update is safe from. */
  readonly acknowledged: string;
  /** The time in which work that it defers is done after the last update, which belongs to the cost. */
  readonly settleMs: number;
  /** The devices that send also receive what the others write. */
  readonly isWatchedBySenders: boolean;
  /** Connects devices that write, and one that watches and reports the updates that it sees. */
  connect(devices: number, onSeen: (update: number) => void): Promise<Session>;
  /** CPU time that all its processes have used so far. */
  readCpuMs(): number;
  join(): Promise<Join>;
  /** Kills all its processes with SIGKILL, and starts them again on what they have stored. */
  crash(): Promise<void>;
  /** How many of the updates, which are of different entries, are in the state. */
  countPresent(updates: readonly EntryUpdate[]): Promise<number>;
}

/** One with processes of its own, which are not those of the measured stack. */
export interface StoppableSystem extends System {
  stop(): Promise<void>;
}

/** What an update writes to its entry, in each system. */
export function entryValue({ number, entry }: EntryUpdate) {
  return { position: { x: number, y: entry, z: 0.5 }, resonance: (number % 100) / 100 };
}

/** An entry's name, in each system. */
export function entryId(entry: number): string {
  return `star-${entry}`;
}

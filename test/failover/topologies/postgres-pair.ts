/** A PostgreSQL with a synchronous or an asynchronous standby. Clients have both addresses, and look for the one that accepts writes. */
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ensureDatabase } from '../../../dev/postgres/server.ts';
import { findFreePort } from '../../../dev/processes/free-port.ts';
import { TcpLink } from '../../faults/stack/tcp-link.ts';
import { waitUntil } from '../../support/wait-until.ts';
import type { NodeDeps } from '../nodes/node-deps.ts';
import { PostgresNode, postgresPassword } from '../nodes/postgres-node.ts';
import type { FailoverFault, PostgresTopology } from './topology.ts';

/** How long an operator, or a program in his place, takes to decide that the primary is gone. */
const decisionMs = 1000;
/** Longer than a worker's leases. */
const frozenMs = 10_000;
const standbyGoneMs = 5000;
/** How far an asynchronous standby is behind when the primary is killed. */
const minTail = 20;
const maxTail = 150;

class Pair {
  #primary: PostgresNode;
  #standby: PostgresNode;
  #link: TcpLink;
  readonly #isSynchronous: boolean;

  constructor(primary: PostgresNode, standby: PostgresNode, isSynchronous: boolean) {
    this.#primary = primary;
    this.#standby = standby;
    this.#link = new TcpLink(standby.name, primary.name, primary.port);
    this.#isSynchronous = isSynchronous;
  }

  get primary(): PostgresNode {
    return this.#primary;
  }

  get standby(): PostgresNode {
    return this.#standby;
  }

  /** Between the two. */
  get link(): TcpLink {
    return this.#link;
  }

  describe(): string {
    return `${this.#primary.name}, replaced by ${this.#standby.name}`;
  }

  async connect(): Promise<void> {
    await this.#link.listen();
    await this.#standby.follow(this.#primary, this.#link.port);
    await this.#primary.waitUntilFollowed();
    if (this.#isSynchronous) await this.#primary.setSynchronous(true);
  }

  /** Makes the standby the primary. */
  async promote(): Promise<void> {
    await this.#standby.promote();
    [this.#primary, this.#standby] = [this.#standby, this.#primary];
  }

  /** Makes the old primary a standby of the new one. */
  async restore(): Promise<void> {
    await this.#link.close();
    this.#link = new TcpLink(this.#standby.name, this.#primary.name, this.#primary.port);
    await this.connect();
  }
}

export async function startPostgresPair(
  { folder, start }: NodeDeps,
  kind: 'synchronous' | 'asynchronous',
): Promise<PostgresTopology> {
  const create = async (name: string) => {
    const own = join(folder, name);
    await mkdir(own);
    await chmod(own, 0o711); // If run as root, PostgreSQL runs as another user.
    return new PostgresNode({ name, folder: own, port: await findFreePort(), start });
  };
  const [a, b] = [await create('a'), await create('b')];
  await a.start();
  await ensureDatabase(a.server, 'field');
  const pair = new Pair(a, b, kind === 'synchronous');
  await pair.connect();
  const url = `postgres://field:${postgresPassword}@127.0.0.1:${a.port},127.0.0.1:${b.port}/field?target_session_attrs=read-write`;
  return { url, faults: kind === 'synchronous' ? synchronousFaults(pair) : asynchronousFaults(pair) };
}

function synchronousFaults(pair: Pair): Record<string, FailoverFault> {
  return {
    'kill the primary': {
      losesTail: false,
      async inject({ notes, onFault, onTakeover }) {
        notes.push(pair.describe());
        onFault();
        await pair.primary.kill();
        await delay(decisionMs);
        await pair.promote();
        onTakeover();
        await pair.restore();
      },
    },
    'freeze the primary': {
      losesTail: false,
      async inject({ notes, onFault, onTakeover }) {
        notes.push(pair.describe());
        const old = pair.primary;
        onFault();
        old.freeze();
        await delay(frozenMs);
        await pair.promote();
        onTakeover();
        await old.kill(); // Fenced: it must never write again.
        await pair.restore();
      },
    },
    'kill the standby': {
      losesTail: false,
      async inject({ notes, onFault, onTakeover }) {
        notes.push(`${pair.standby.name}, away for ${standbyGoneMs / 1000} s`);
        onFault();
        await pair.standby.kill();
        await delay(standbyGoneMs);
        await pair.standby.start();
        await pair.primary.waitUntilFollowed();
        onTakeover();
      },
    },
  };
}

function asynchronousFaults(pair: Pair): Record<string, FailoverFault> {
  return {
    'kill the primary while the standby lags': {
      losesTail: true,
      async inject({ random, notes, onFault, onTakeover }) {
        const tail = minTail + random.below(maxTail - minTail);
        pair.link.setMode('refuse');
        const start = await pair.primary.countVersions();
        const count = () => pair.primary.countVersions();
        await waitUntil(`${tail} more are committed`, async () => (await count()) >= start + tail, {
          timeoutMs: 60_000,
        });
        onFault();
        const had = await count();
        await pair.primary.kill();
        await delay(decisionMs);
        const kept = await pair.standby.countVersions();
        await pair.promote();
        onTakeover();
        if (kept >= had) throw new Error('the standby did not lag behind');
        notes.push(`${pair.standby.name}, replaced by ${pair.primary.name}, which lacked ${had - kept} commits`);
        await pair.restore();
      },
    },
  };
}

/** The status of the connection, and the figures that depend on it. */
import type { FieldClient } from '../../client/types.ts';
import { createConnectionStatus } from './connection-status.ts';
import { Heartbeat } from './heartbeat.ts';
import { ParticleCount } from './particle-count.ts';
import { UpdateStats } from './update-stats.ts';

interface StatusDeps {
  readonly client: FieldClient;
  /** The version on display, if it is not the current one. */
  readonly getPastVersion: () => number | undefined;
}

export interface PageStatus {
  readonly updateStats: UpdateStats;
  readonly particleCount: ParticleCount;
  /** To be called when a message has arrived from the server. */
  hear(): void;
  show(): { readonly isConnected: boolean };
  /** To be called several times a second. @param now `performance.now()` */
  check(now: number): { readonly isConnected: boolean };
}

export function createStatus({ client, getPastVersion }: StatusDeps): PageStatus {
  const heartbeat = new Heartbeat(() => void client.sendMessage({ type: 'ping' }));
  const showConnection = createConnectionStatus(client);
  addEventListener('offline', () => {
    if (client.status === 'live') heartbeat.suspect(performance.now());
  });
  const show = () => {
    const link = showConnection({ pastVersion: getPastVersion(), isAnswering: heartbeat.isAnswering });
    return { isConnected: link === 'live' || link === 'delayed' };
  };
  return {
    updateStats: new UpdateStats(),
    particleCount: new ParticleCount(client),
    hear() {
      const wasAnswering = heartbeat.isAnswering;
      heartbeat.hear(performance.now());
      if (!wasAnswering) show();
    },
    show,
    check(now) {
      if (client.status === 'live') heartbeat.check(now);
      return show();
    },
  };
}

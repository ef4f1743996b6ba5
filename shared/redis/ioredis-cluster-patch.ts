/**
 * Fixes how ioredis 6 disconnects from a cluster. BullMQ's workers await the end of the connection when they stop, and would
 * otherwise wait forever. Without the patch:
 * - Every node that disconnects sets the status `close`, even if the cluster has already ended or is reconnecting.
 * - `disconnect()` without known nodes, between two connection attempts or at the start of one, emits no `end`.
 * - `disconnect()` during a refresh of the slots, every 5 s, does not stop the refresh timer, and the process does not exit.
 * - `connect()` never settles if the connection is closed after the slots were read but before the cluster is ready.
 */
import type { Cluster } from 'ioredis';

/** Private members of ioredis that the patch needs. */
interface ClusterInternals {
  setStatus(status: string): void;
  handleCloseEvent(): void;
  refreshSlotsCache(callback?: (error?: Error) => void): void;
  clearNodesRefreshInterval(): void;
}

const closedStatuses: ReadonlySet<string> = new Set(['close', 'reconnecting', 'end']);

/** Patches the connection and all of its duplicates. @returns the same connection */
export function patchClusterDisconnect(cluster: Cluster): Cluster {
  const internals = cluster as unknown as ClusterInternals;
  const setStatus = internals.setStatus.bind(cluster);
  const connect = cluster.connect.bind(cluster);
  const disconnect = cluster.disconnect.bind(cluster);
  const duplicate = cluster.duplicate.bind(cluster);
  const refreshSlotsCache = internals.refreshSlotsCache.bind(cluster);
  internals.setStatus = (status) => {
    if (status !== 'close' || !closedStatuses.has(cluster.status)) setStatus(status);
  };
  cluster.connect = () =>
    new Promise<void>((resolve, reject) => {
      const settle = (settled: () => void) => {
        cluster.off('ready', onReady).off('close', onClosed).off('end', onClosed);
        settled();
      };
      const onReady = () => settle(resolve);
      const onClosed = () => {
        // Events are emitted asynchronously: this one may belong to the previous connection.
        if (closedStatuses.has(cluster.status)) settle(() => reject(new Error('Connection is closed.')));
      };
      cluster.on('ready', onReady).on('close', onClosed).on('end', onClosed);
      connect().then(onReady, (error) => settle(() => reject(error)));
    });
  cluster.disconnect = (reconnect = false) => {
    const hasNodes = cluster.nodes().length > 0;
    disconnect(reconnect);
    if (!hasNodes && !reconnect) internals.handleCloseEvent();
  };
  internals.refreshSlotsCache = (callback) =>
    refreshSlotsCache((error) => {
      callback?.(error); // May schedule the next refresh.
      if (cluster.status !== 'ready') internals.clearNodesRefreshInterval(); // The status `ready` schedules it again.
    });
  cluster.duplicate = ((...args: Parameters<typeof duplicate>) =>
    patchClusterDisconnect(duplicate(...args))) as typeof cluster.duplicate;
  return cluster;
}

/**
 * Mends how ioredis 6 ends a connection to a cluster, so that whoever waits for that, or for an answer, is told. BullMQ's
 * workers do when they are stopped, and would wait for good.
 * - Each node that goes was told as the last one, so that what had ended, or was to connect again, only seemed to close.
 * - Told to disconnect while it knew of no node, between two attempts or at the very start of one, it never said it had ended.
 * - Told so while it asked which node has which slots, as it does every 5 s, it went on asking: no process ended by itself.
 * - An attempt to connect that had learnt the slots, and was told to end or found that the cluster was not whole yet and
 *   began again, was never over.
 */
import type { Cluster } from 'ioredis';

/** What ioredis keeps to itself, and has to be reached for. */
interface ClusterInternals {
  setStatus(status: string): void;
  handleCloseEvent(): void;
  refreshSlotsCache(callback?: (error?: Error) => void): void;
  clearNodesRefreshInterval(): void;
}

const closedStatuses: ReadonlySet<string> = new Set(['close', 'reconnecting', 'end']);

/** @returns the same connection, mended, whose duplicates are so too. */
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
        // Events come a moment later: this may be that of the connection before.
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
      callback?.(error); // Which may set the time of the next one.
      if (cluster.status !== 'ready') internals.clearNodesRefreshInterval(); // Being ready sets it anew.
    });
  cluster.duplicate = ((...args: Parameters<typeof duplicate>) =>
    patchClusterDisconnect(duplicate(...args))) as typeof cluster.duplicate;
  return cluster;
}

/**
 * For React Native: wakes the client, and sends in the background. The app passes in its own modules, so that this package depends
 * on none of them.
 */
import type { FieldClient } from '../types.ts';

interface Subscription {
  remove(): void;
}

/** `AppState` of react-native. */
interface AppStateModule {
  addEventListener(name: 'change', listener: (state: string) => void): Subscription;
}

/** `@react-native-community/netinfo`, or an object with the same methods. */
interface NetInfoModule {
  addEventListener(listener: (state: { readonly isConnected: boolean | null }) => void): () => void;
}

interface NativeModules {
  readonly AppState: AppStateModule;
  readonly NetInfo?: NetInfoModule;
}

/**
 * For the option `wakeOn`: the client reconnects and sends when the app comes to the foreground or the network returns.
 *
 * ```ts
 * createFieldClient({ url, field, storage, wakeOn: wakeOnForeground({ AppState, NetInfo }) });
 * ```
 */
export function wakeOnForeground({ AppState, NetInfo }: NativeModules): (wake: () => void) => () => void {
  return (wake) => {
    const appState = AppState.addEventListener('change', (state) => {
      if (state === 'active') wake();
    });
    const removeNetworkListener = NetInfo?.addEventListener(({ isConnected }) => {
      if (isConnected) wake();
    });
    return () => {
      appState.remove();
      removeNetworkListener?.();
    };
  };
}

interface BackgroundOptions {
  /** How long the system lets a background task run. */
  readonly timeoutMs?: number;
}

const defaultTimeoutMs = 25_000;

/**
 * Sends the pending updates, for a background task: starts the client if it is closed, and then closes it again.
 *
 * ```ts
 * TaskManager.defineTask('field', async () =>
 *   (await syncInBackground(client)) ? BackgroundTaskResult.Success : BackgroundTaskResult.Failed);
 * ```
 * @returns whether everything has been applied
 */
export async function syncInBackground(
  client: FieldClient,
  { timeoutMs = defaultTimeoutMs }: BackgroundOptions = {},
): Promise<boolean> {
  const wasClosed = client.status === 'closed';
  if (wasClosed) await client.start();
  else client.wake();
  try {
    return await untilSent(client, timeoutMs);
  } finally {
    if (wasClosed) await client.close();
  }
}

function untilSent(client: FieldClient, timeoutMs: number): Promise<boolean> {
  if (client.pending === 0) return Promise.resolve(true);
  return new Promise((resolve) => {
    const finish = (isSent: boolean) => {
      clearTimeout(timer);
      unsubscribe();
      resolve(isSent);
    };
    const timer = setTimeout(() => finish(false), timeoutMs);
    const unsubscribe = client.on('update', () => {
      if (client.pending === 0) finish(true);
    });
  });
}

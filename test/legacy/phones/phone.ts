/**
 * A phone: renders the original's hook with React, as its app would, contributes through it as often as it is asked to, and reports what
 * the hook has sent. A process of its own, since the hook connects again whenever it renders, and thereby takes a core.
 */
import { once } from 'node:events';
import { waitUntil } from '../../support/wait-until.ts';
import { type Bridge, contribute } from './contribute.ts';
import { recordRequests } from './record-requests.ts';
import type { PhoneMessage } from './report.ts';

/** The polls of `waitUntil` for which nothing may be sent before the phone counts as silent. */
const silentPolls = 25;
const patience = { timeoutMs: 120_000 };

type Component = (props: never) => unknown;

/** `bundleApp` makes it. */
interface OriginalApp {
  readonly useConsciousnessBridge: () => Bridge;
  readonly trpc: { readonly Provider: Component };
  readonly trpcClient: unknown;
  readonly network: { disconnect(): void };
  readonly QueryClient: new () => object;
  readonly QueryClientProvider: Component;
  readonly createElement: (type: Component, props: object | null, ...children: unknown[]) => unknown;
  readonly render: (element: unknown) => { unmount(): void };
}

const [, , bundle = '', name = '', updates = '0'] = process.argv;
// The hook and its client log whatever they do.
console.log = console.warn = console.error = () => undefined;
process.once('disconnect', () => process.exit(1));
const send = (message: PhoneMessage) => process.send?.(message);

const recorder = recordRequests();
const original: OriginalApp = await import(bundle);
const { createElement, trpc, trpcClient, QueryClientProvider } = original;
let bridge: Bridge | undefined;
const App = () => {
  bridge = original.useConsciousnessBridge();
  return null;
};
const queryClient = new original.QueryClient();
const screen = original.render(
  createElement(
    trpc.Provider,
    { client: trpcClient, queryClient },
    createElement(QueryClientProvider, { client: queryClient }, createElement(App, null)),
  ),
);
/** The hook of the latest rendering. */
const connected = () => waitUntil('the hook is connected', () => bridge?.isConnected && bridge, patience);

const { nodeId } = await connected();
const started = once(process, 'message');
send({ kind: 'connected' });
await started;
const startedAt = performance.now();
const contents = await contribute({ connected, name, updates: Number(updates) });
const seconds = (performance.now() - startedAt) / 1000;
// Otherwise it would connect again for each rendering that there was.
original.network.disconnect();
screen.unmount();
await waitUntil('the hook has nothing left to send', hasBeenSilent(), patience);
send({ kind: 'report', nodeId, contents, requests: recorder.requests, seconds });

function hasBeenSilent(): () => boolean {
  let [polls, known] = [0, 0];
  return () => {
    const { requests, inFlight } = recorder;
    polls = inFlight === 0 && requests.length === known ? polls + 1 : 0;
    known = requests.length;
    return polls >= silentPolls;
  };
}

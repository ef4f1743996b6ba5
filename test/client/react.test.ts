import { createElement, StrictMode } from 'react';
import { act, create, type ReactTestRenderer } from 'react-test-renderer';
import t from 'tap';
import { WebSocket } from 'ws';
import { type ConsciousnessBridge, useConsciousnessBridge } from '../../client/react.ts';
import type { FieldClient, FieldClientOptions } from '../../client/types.ts';
import { waitUntil } from '../support/wait-until.ts';
import { waitForStatus, waitUntilSynced, withClient, withField } from './with-client.ts';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
const api = await withField(t);

/** Mounts a component that uses the hook, and records what the hook returned for each render. */
async function mount(source: FieldClient | FieldClientOptions) {
  const renders: ConsciousnessBridge[] = [];
  const Component = () => {
    renders.push(useConsciousnessBridge(source));
    return null;
  };
  const element = createElement(StrictMode, null, createElement(Component));
  let root: ReactTestRenderer | undefined;
  await act(async () => {
    root = create(element);
  });
  const latest = () => {
    const bridge = renders.at(-1);
    if (!bridge) throw new Error('Nothing was rendered.');
    return bridge;
  };
  const until = (what: string, fits: (bridge: ConsciousnessBridge) => boolean) =>
    waitUntil(what, async () => {
      await act(async () => undefined);
      return fits(latest());
    });
  return { renders, latest, until, unmount: () => act(async () => root?.unmount()) };
}

t.test(
  'in strict mode a component has its own client, shows its edits at once and receives those of others',
  async (t) => {
    const options = { url: api.address, field: 'hook', WebSocket };
    const view = await mount(options);
    const other = await withClient(t, options);
    await view.until('the client is live', ({ status }) => status === 'live');
    await act(async () => {
      view.latest().putParticle('p', { content: 'from a component' });
      view.latest().setCells([{ x: 1, y: 1, value: 0.5 }]);
      view.latest().emit('harmony');
    });
    t.match(view.latest().state, { cells: { '1,1': 0.5 }, memoryParticles: [{ content: 'from a component' }] });
    await view.until('all updates are applied', ({ pending, state }) => pending === 0 && state.version === 3);
    await waitUntil('the other client has the updates', () => other.state.version === 3);
    other.setCells([{ x: 1, y: 1, value: 0.75 }]);
    await view.until(
      'the component receives the update of the other client',
      ({ state }) => state.cells['1,1'] === 0.75,
    );
    const { client } = view.latest();
    await view.unmount();
    await waitForStatus(client, 'closed');
  },
);

t.test('a component renders again only when a value of the hook has changed', async (t) => {
  const client = await withClient(t, { url: api.address, field: 'renders' });
  await waitUntil('the client is counted as active', () => client.status === 'live' && client.state.activeNodes === 1);
  const view = await mount(client);
  const before = view.latest();
  client.on('message', () => undefined);
  await act(async () => client.wake());
  t.equal(view.latest().state, before.state);
  t.equal(view.latest().putParticle, before.putParticle, 'the actions stay the same');
  await act(async () => void client.setCells([{ x: 0, y: 0, value: 1 }]));
  t.not(view.latest().state, before.state);
  t.equal(view.latest().outbox.length, 1);
  await act(() => waitUntilSynced(client));
  await view.unmount();
  t.equal(client.status, 'live', 'a client that the app provides keeps running');
});

t.test('a component receives conflicts with both values', async (t) => {
  const [one, other] = [
    await withClient(t, { url: api.address, field: 'hook-conflict' }),
    await withClient(t, { url: api.address, field: 'hook-conflict' }),
  ];
  await Promise.all([waitForStatus(one, 'live'), waitForStatus(other, 'live')]);
  const view = await mount(one);
  await act(async () => {
    one.setCells([{ x: 0, y: 0, value: 0.1 }]);
    other.setCells([{ x: 0, y: 0, value: 0.9 }]);
  });
  await view.until('the conflict has arrived', ({ conflicts }) => conflicts.length === 1);
  const [conflict] = view.latest().conflicts;
  t.same(new Set([conflict?.local.value, conflict?.remote.value]), new Set([0.1, 0.9]));
  await view.unmount();
});

import { createElement, StrictMode } from 'react';
import { act, create, type ReactTestRenderer } from 'react-test-renderer';
import t from 'tap';
import { WebSocket } from 'ws';
import type { FieldClientOptions } from '../../client/options.ts';
import { presenceOf } from '../../client/presence/presence-of.ts';
import {
  type ConsciousnessBridge,
  FieldProvider,
  useActions,
  useCell,
  useConsciousnessBridge,
  useField,
  useIsLoaded,
  useParticle,
  usePending,
  usePresence,
  useProblem,
  useStatus,
} from '../../client/react.ts';
import { memoryStorage } from '../../client/storage/memory-storage.ts';
import type { FieldClient } from '../../client/types.ts';
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
  await waitUntil(
    'the client is counted as active',
    () => client.status === 'live' && presenceOf(client).view.activeNodes === 1,
  );
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

/** Mounts one component for each hook below a provider. @returns how often each was rendered, and its newest value */
async function mountHooks<Hooks extends Record<string, () => unknown>>(
  source: FieldClient | FieldClientOptions,
  hooks: Hooks,
) {
  const renders: Record<string, number> = {};
  const values: Record<string, unknown> = {};
  const elements = Object.entries(hooks).map(([name, useHook]) => {
    const Component = () => {
      values[name] = useHook();
      renders[name] = (renders[name] ?? 0) + 1;
      return null;
    };
    return createElement(Component, { key: name });
  });
  let root: ReactTestRenderer | undefined;
  await act(async () => {
    root = create(createElement(FieldProvider, { source }, elements));
  });
  return {
    renders: renders as Record<keyof Hooks, number>,
    value: (name: keyof Hooks & string) => values[name],
    unmount: () => act(async () => root?.unmount()),
  };
}

t.test('ten edits of others render only the components that show what has changed', async (t) => {
  const [client, other] = [
    await withClient(t, { url: api.address, field: 'hooks' }),
    await withClient(t, { url: api.address, field: 'hooks' }),
  ];
  await Promise.all([waitForStatus(client, 'live'), waitForStatus(other, 'live')]);
  other.putParticle('still', { resonance: 0.5 });
  await waitUntil('the particle has arrived', () => client.state.version === 1);
  await waitUntil('both are present', () => presenceOf(client).view.activeNodes === 2);
  const { renders, value, unmount } = await mountHooks(client, {
    status: useStatus,
    pending: usePending,
    isLoaded: useIsLoaded,
    problem: useProblem,
    presence: usePresence,
    actions: useActions,
    still: () => useParticle('still'),
    otherCell: () => useCell(5, 5),
    cell: () => useCell(1, 1),
    parity: () => useField(({ memoryParticles }) => memoryParticles.length % 2 === 1),
    ids: () =>
      useField(
        ({ memoryParticles }) => memoryParticles.map(({ id }) => id),
        (a, b) => a.join() === b.join(),
      ),
  });
  const before = { ...renders };
  for (let edit = 1; edit <= 10; edit++) {
    await act(async () => {
      other.setCells([{ x: 1, y: 1, value: edit / 10 }]);
      await waitUntil('the edit has arrived', () => client.state.cells['1,1'] === edit / 10);
    });
  }
  const added = Object.entries(renders).map(([name, count]) => [
    name,
    count - (before[name as keyof typeof before] ?? 0),
  ]);
  const { cell, ...others } = Object.fromEntries(added);
  // React may render once more than it has to when an update arrives during a render.
  t.ok(cell === 10 || cell === 11, `${cell} renders`);
  t.same(
    Object.values<number>(others).filter((count) => count > 0),
    [],
    JSON.stringify(others),
  );
  t.match({ cell: value('cell'), ids: value('ids'), isLoaded: value('isLoaded') }, { cell: 1, ids: ['still'] });
  await unmount();
});

t.test('components with one storage share a client, which is closed with the last of them', async (t) => {
  const options = { url: api.address, field: 'shared-storage', storage: memoryStorage(), WebSocket };
  const [one, two] = [await mount(options), await mount({ ...options })];
  const { client } = one.latest();
  t.equal(two.latest().client, client);
  await act(async () => {
    for (let index = 0; index < 10; index++) {
      const { setCells } = (index % 2 === 0 ? one : two).latest();
      setCells([{ x: index, y: 0, value: 0.5 }]);
    }
  });
  await act(() => waitUntilSynced(client));
  t.equal(Object.keys(client.state.cells).length, 10, 'no edit is lost');
  await one.unmount();
  await waitForStatus(client, 'live');
  await two.unmount();
  await waitForStatus(client, 'closed');
});

t.test('a second client on a storage in use is refused with the reason', async (t) => {
  const options = { url: api.address, field: 'claimed', storage: memoryStorage() };
  const first = await withClient(t, options);
  await t.rejects(withClient(t, options), { message: /Another client of the field claimed uses this storage/ });
  await first.close();
  const second = await withClient(t, options);
  await waitForStatus(second, 'live');
});

t.test('a token that is passed later is used at once', async (t) => {
  const options = { url: api.address, field: 'late-token', storage: memoryStorage(), WebSocket };
  let token = await api.createToken({ device: 'late', fields: ['elsewhere'] });
  let root: ReactTestRenderer | undefined;
  let bridge: ConsciousnessBridge | undefined;
  const Component = ({ given }: { given: string }) => {
    bridge = useConsciousnessBridge({ ...options, token: given });
    return null;
  };
  const render = () => createElement(Component, { given: token });
  await act(async () => {
    root = create(render());
  });
  await waitUntil('it is refused', () => bridge?.client.status === 'refused');
  t.equal(bridge?.client.problem?.code, 'forbidden');
  token = await api.createToken({ device: 'late' });
  await act(async () => root?.update(render()));
  await waitUntil('it is live', () => bridge?.client.status === 'live');
  t.equal(bridge?.client.problem, undefined);
  await act(async () => root?.unmount());
});

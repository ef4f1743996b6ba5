/** Tabs of one browser that share a client, in a browser and on a server that are models. `tabs.browser.ts` has real ones. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { createFieldClient } from '../../../../client/field-client.ts';
import { createTabClient } from '../../../../client/tabs/tab-client.ts';
import type { FieldClient } from '../../../../client/types.ts';
import { waitUntil } from '../../../support/wait-until.ts';
import { FakeBrowser, type FakePage } from '../support/fake-browser.ts';
import { ModelServer } from '../support/model-server.ts';

const url = 'http://127.0.0.1';
const [field, transports] = ['f', ['polling']] as const;

interface Tab {
  readonly client: FieldClient;
  readonly page: FakePage;
}

async function openTab(t: Test, browser: FakeBrowser) {
  const page = browser.open();
  const { fetch, storage } = page;
  const client = createTabClient({ url, field, transports, fetch, storage }, page.globals);
  t.teardown(() => {
    page.end();
    void client.close();
  });
  void client.start();
  return { client, page } satisfies Tab;
}

async function openLoaded(t: Test, browser: FakeBrowser): Promise<Tab> {
  const tab = await openTab(t, browser);
  await waitUntil('the tab is loaded', () => tab.client.isLoaded);
  return tab;
}

const untilConnected = ({ client }: Tab) => waitUntil('the tab is connected', () => client.status === 'polling');
const untilSynced = ({ client }: Tab) =>
  waitUntil('nothing is pending', () => client.pending === 0, { timeoutMs: 30_000 });

t.test('edits of a tab that follows are sent once, as the device of the one that leads', async (t) => {
  const server = new ModelServer();
  const browser = new FakeBrowser(server.fetch);
  const leader = await openLoaded(t, browser);
  const follower = await openLoaded(t, browser);
  await Promise.all([untilConnected(leader), untilConnected(follower)]);
  const entry = follower.client.putParticle('a', { content: 'from follower' });
  t.equal(follower.client.state.memoryParticles.length, 1, 'shown at once');
  t.equal(entry.status, 'queued');
  leader.client.putParticle('b', { content: 'from leader' });
  const settled = await follower.client.settled(entry);
  t.match(settled, { key: entry.key, status: 'applied' });
  await untilSynced(leader);
  await waitUntil('both show both', () => {
    return [leader, follower].every(({ client }) => client.state.memoryParticles.length === 2);
  });
  t.equal(follower.client.deviceId, leader.client.deviceId);
  t.same(server.contents, ['from follower', 'from leader']);
  t.equal(server.devices, 1);
  t.ok((await follower.client.read<{ clock: object }>('/clock')).clock);
  t.equal(await follower.client.getToken(), await leader.client.getToken());
  await t.rejects(follower.client.read('/nothing'), { name: 'RequestError', status: 404 });
});

t.test('when the leader is closed or crashes, another tab is live and sends what waits', async (t) => {
  const server = new ModelServer();
  const browser = new FakeBrowser(server.fetch);
  const tabs = [await openLoaded(t, browser), await openLoaded(t, browser)];
  const [first, second] = tabs as [Tab, Tab];
  await Promise.all(tabs.map(untilConnected));
  first.client.putParticle('a', { content: 'before' });
  await untilSynced(second);
  await first.client.close();
  second.client.putParticle('b', { content: 'after close' });
  await untilSynced(second);
  await untilConnected(second);
  const third = await openLoaded(t, browser);
  await untilConnected(third);
  second.page.crash();
  third.client.putParticle('c', { content: 'after crash' });
  await untilSynced(third);
  t.same(server.contents, ['after close', 'after crash', 'before']);
  t.equal(server.devices, 1);
  t.equal(third.client.state.memoryParticles.length, 3);
});

t.test('an edit that was stored by a leader which crashed before it said so is not added again', async (t) => {
  const server = new ModelServer();
  const browser = new FakeBrowser(server.fetch);
  const leader = await openLoaded(t, browser);
  const follower = await openLoaded(t, browser);
  await Promise.all([untilConnected(leader), untilConnected(follower)]);
  leader.page.filter = ({ type }) => type !== 'stored' && type !== 'change';
  const entry = follower.client.putParticle('a', { content: 'once' });
  await untilSynced(leader);
  t.equal(follower.client.pending, 1);
  leader.page.crash();
  t.match(await follower.client.settled(entry), { status: 'applied' });
  await untilSynced(follower);
  t.same(server.contents, ['once']);
  t.equal(server.devices, 1);
});

t.test('a leader that crashes while it stores edits loses and doubles none', async (t) => {
  const server = new ModelServer();
  const browser = new FakeBrowser(server.fetch);
  const leader = await openLoaded(t, browser);
  const follower = await openLoaded(t, browser);
  await Promise.all([untilConnected(leader), untilConnected(follower)]);
  let writes = 0;
  leader.page.beforeWrite = (key) => {
    writes += 1;
    if (key.includes('/outbox/') && writes > 7) leader.page.crash();
  };
  for (let edit = 0; edit < 20; edit += 1) follower.client.putParticle(`p${edit}`, { content: `edit ${edit}` });
  await waitUntil('the leader has crashed', () => writes > 7);
  await untilSynced(follower);
  const { contents } = server;
  t.same(contents, Array.from({ length: 20 }, (_, edit) => `edit ${edit}`).sort());
});

t.test('edits of tabs that are closed while the device is offline are sent by the one that is left', async (t) => {
  const server = new ModelServer();
  const browser = new FakeBrowser(server.fetch);
  browser.isOnline = false;
  const tabs: Tab[] = [];
  for (let tab = 0; tab < 3; tab += 1) tabs.push(await openLoaded(t, browser));
  const [first, second, third] = tabs as [Tab, Tab, Tab];
  for (const [index, { client }] of tabs.entries()) {
    for (let edit = 0; edit < 5; edit += 1) client.putParticle(`${index}-${edit}`, { content: `${index}-${edit}` });
  }
  await waitUntil('the tabs know of all edits', () => tabs.every(({ client }) => client.pending === 15));
  await first.client.close();
  second.page.crash();
  await waitUntil('the last tab has all edits', () => third.client.pending === 15);
  browser.isOnline = true;
  third.client.wake();
  await untilSynced(third);
  const { contents, devices } = server;
  t.equal(contents.length, 15);
  t.equal(new Set(contents).size, 15);
  t.equal(devices, 1);
});

t.test('a region that is requested before there is a leader is watched by all tabs', async (t) => {
  const server = new ModelServer();
  const browser = new FakeBrowser(server.fetch);
  const [early, region] = [
    { x0: 0, y0: 0, x1: 4, y1: 4 },
    { x0: 1, y0: 2, x1: 8, y1: 9 },
  ];
  const page = browser.open();
  const { fetch, storage } = page;
  const client = createTabClient({ url, field, transports, fetch, storage }, page.globals);
  t.teardown(() => {
    page.end();
    void client.close();
  });
  client.setRegion(early);
  void client.start();
  const first = { client, page };
  client.putParticle('a', { content: 'so that there is a state' });
  await waitUntil('the tab watches it', () => first.client.state.region);
  t.same(first.client.state.region, early, 'requested before the start');
  const second = await openTab(t, browser);
  second.client.setRegion(region);
  await waitUntil('the leader watches it', () => first.client.state.region?.x1 === region.x1);
  await waitUntil('and so does the tab that requested it', () => second.client.state.region?.x1 === region.x1);
  first.page.crash();
  second.client.setRegion(null);
  await waitUntil('also when the leader is gone', () => second.client.state.region === undefined);
});

t.test('what a tab could not get to a leader is adopted when it is closed', async (t) => {
  const server = new ModelServer();
  const browser = new FakeBrowser(server.fetch);
  const leader = await openLoaded(t, browser);
  const follower = await openLoaded(t, browser);
  await Promise.all([untilConnected(leader), untilConnected(follower)]);
  follower.page.filter = ({ type }) => type !== 'edits';
  follower.client.putParticle('a', { content: 'kept in the inbox' });
  await follower.client.close();
  await waitUntil('the leader has adopted it', () => leader.client.state.memoryParticles.length === 1);
  await untilSynced(leader);
  await leader.client.close();
  // Nobody was left to adopt this.
  const lonely = await openLoaded(t, browser);
  lonely.page.filter = () => false;
  browser.isOnline = false;
  lonely.client.putParticle('b', { content: 'kept again' });
  await lonely.client.close();
  browser.isOnline = true;
  const last = await openLoaded(t, browser);
  await untilSynced(last);
  await waitUntil('both are shown', () => last.client.state.memoryParticles.length === 2);
  t.same(server.contents, ['kept again', 'kept in the inbox']);
  t.equal(server.devices, 1);
});

t.test(
  'what a tab could not get to a leader is adopted when it closes without a word to the next leader',
  async (t) => {
    const server = new ModelServer();
    const browser = new FakeBrowser(server.fetch);
    const leader = await openLoaded(t, browser);
    const closing = await openLoaded(t, browser);
    const next = await openLoaded(t, browser);
    await Promise.all([leader, closing, next].map(untilConnected));
    closing.page.filter = ({ type }) => type !== 'edits';
    closing.client.putParticle('a', { content: 'kept in the inbox' });
    await waitUntil('it is stored', () => [...browser.values].some(([key]) => /^tabs\/.*\/outbox\//.test(key)));
    closing.page.suspend();
    leader.page.crash();
    await waitUntil('the next leader shows it', () => next.client.pending === 1);
    t.equal(next.client.status, 'polling', 'also when it is connected, since it cannot have sent it yet');
    closing.page.crash();
    await untilSynced(next);
    t.same(server.contents, ['kept in the inbox']);
    t.equal(next.client.state.memoryParticles.length, 1);
  },
);

t.test('what a tab made is adopted although it was closed before it was started', async (t) => {
  const server = new ModelServer();
  const browser = new FakeBrowser(server.fetch);
  const leader = await openLoaded(t, browser);
  await untilConnected(leader);
  const brief = await openTab(t, browser);
  brief.client.putParticle('a', { content: 'made in passing' });
  // Its session has begun, and waits for the first lock.
  await nextTurn();
  await brief.client.close();
  const next = await openLoaded(t, browser);
  await leader.client.close();
  await untilSynced(next);
  await waitUntil('the next leader has it', () => server.contents.includes('made in passing'));
});

t.test('slots of tabs that shared nothing are adopted, each as its own device', async (t) => {
  const server = new ModelServer();
  const browser = new FakeBrowser(server.fetch);
  const pages = [browser.open(), browser.open(), browser.open()];
  const clients = pages.map(({ fetch, storage }) => createFieldClient({ url, field, transports, fetch, storage }));
  for (const [index, client] of clients.entries()) {
    await client.start();
    await client.settled(client.putParticle(`${index}`, { content: `online ${index}` }));
  }
  browser.isOnline = false;
  for (const client of clients) await client.close();
  for (const [index, client] of clients.entries()) {
    await client.start();
    client.putParticle(`${index}`, { content: `offline ${index}` });
  }
  await clients[1]?.close();
  pages[1]?.crash();
  pages[2]?.crash();
  browser.isOnline = true;
  // The first is still open, and has slot 0.
  const tab = await openLoaded(t, browser);
  await untilConnected(tab);
  tab.client.putParticle('new', { content: 'new' });
  await untilSynced(tab);
  const adopted = server.contents;
  t.ok(['new', 'offline 1', 'offline 2'].every((content) => adopted.includes(content)));
  await clients[0]?.close();
  pages[0]?.crash();
  for (const page of pages) page.end();
  for (const client of clients) void client.close();
  await waitUntil('all is shown', () => {
    const contents = tab.client.state.memoryParticles.map(({ content }) => content);
    return [0, 1, 2].every((index) => contents.includes(`offline ${index}`));
  });
  await untilSynced(tab);
  const { contents } = server;
  const expected = [0, 1, 2].flatMap((index) => [`online ${index}`, `offline ${index}`]);
  t.same(contents, [...expected, 'new'].sort());
});

t.test(
  'a visible tab takes the lead from a page that was suspended, and nothing is doubled when it resumes',
  async (t) => {
    const server = new ModelServer();
    const browser = new FakeBrowser(server.fetch);
    const leader = await openLoaded(t, browser);
    const follower = await openLoaded(t, browser);
    await Promise.all([untilConnected(leader), untilConnected(follower)]);
    leader.page.isVisible = false;
    leader.page.suspend();
    const limbo = follower.client.putParticle('a', { content: 'sent to the suspended one' });
    await waitUntil('another tab leads', () => follower.client.deviceId !== leader.client.deviceId, {
      timeoutMs: 20_000,
    });
    await untilConnected(follower);
    const later = follower.client.putParticle('b', { content: 'sent to the next one' });
    t.match(await follower.client.settled(later), { status: 'applied' });
    t.match(server.contents, ['sent to the next one']);
    leader.page.resume();
    t.match(await follower.client.settled(limbo), { status: 'applied' });
    await untilSynced(follower);
    await waitUntil('the former leader follows', () => leader.client.deviceId === follower.client.deviceId);
    t.same(server.contents, ['sent to the next one', 'sent to the suspended one']);
  },
);

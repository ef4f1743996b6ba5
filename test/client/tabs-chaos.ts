/**
 * Half a minute of seeded chaos with the tabs of one browser on the real stack: tabs are opened, closed and killed while they edit, and
 * the network is cut and recovers. Whoever leads, all of them are one device, and the log must contain each edit exactly once. Only what a
 * killed tab had neither stored nor sent may be missing. `CHAOS_SEED` and `CHAOS_SECONDS` work as in `chaos.ts`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { WebSocket } from 'ws';
import type { SocketLike } from '../../client/options.ts';
import { createTabClient } from '../../client/tabs/tab-client.ts';
import type { FieldClient } from '../../client/types.ts';
import { type TcpGate, withTcpGate } from '../api/support/tcp-gate.ts';
import { waitUntil } from '../support/wait-until.ts';
import { FakeBrowser, type FakePage } from '../unit/client/support/fake-browser.ts';
import { type Random, seededRandom } from '../unit/field/support/seeded-random.ts';
import { readWholeLog } from './read-log.ts';
import { withClient, withField } from './with-client.ts';

const field = 'tabs';
const maxTabs = 5;
const seed = Number(process.env.CHAOS_SEED ?? 1);
const seconds = Number(process.env.CHAOS_SECONDS ?? 30);
/** A slow machine takes longer than `seconds` for them. */
const minEdits = 200;

interface Tab {
  readonly client: FieldClient;
  readonly page: FakePage;
  /** What it has edited, in order. */
  readonly edits: string[];
  isGone: boolean;
}

const api = await withField(t);

/** A browser whose network leads through the gate. */
class Browser {
  readonly browser = new FakeBrowser(fetch);
  readonly gate: TcpGate;
  tabs: Tab[] = [];
  readonly counts = { opened: 0, closed: 0, killed: 0 };
  editCount = 0;
  /** Edits that a killed tab may have taken with it. */
  readonly unstored = new Set<string>();

  constructor(gate: TcpGate) {
    this.gate = gate;
  }

  async openTab(): Promise<Tab> {
    const page = this.browser.open();
    const sockets = new Set<WebSocket>();
    const isGone = () => tab.isGone;
    class PageSocket implements SocketLike {
      binaryType = 'nodebuffer';
      readonly #socket: WebSocket;
      constructor(url: string, protocols: string[]) {
        this.#socket = new WebSocket(url, protocols);
        this.#socket.on('error', () => undefined); // `close` follows.
        sockets.add(this.#socket);
      }
      get protocol() {
        return this.#socket.protocol;
      }
      send(text: string) {
        this.#socket.send(text);
      }
      close(code?: number) {
        this.#socket.close(code);
      }
      addEventListener(name: 'open' | 'error' | 'message' | 'close', listener: (event: never) => void) {
        this.#socket.addEventListener(name as 'open', (event) => {
          if (!isGone()) listener(event as never);
        });
      }
    }
    const { fetch, storage } = page;
    const url = `http://127.0.0.1:${this.gate.port}`;
    const options = { url, field, fetch, storage, WebSocket: PageSocket };
    const tab: Tab = { client: createTabClient(options, page.globals), page, edits: [], isGone: false };
    t.teardown(() => {
      page.end();
      for (const socket of sockets) socket.terminate();
      void tab.client.close();
    });
    this.tabs.push(tab);
    this.counts.opened += 1;
    await tab.client.start();
    return tab;
  }

  edit(tab: Tab): void {
    this.editCount += 1;
    const content = `edit ${this.editCount}`;
    tab.edits.push(content);
    tab.client.putParticle(`p-${this.editCount % 20}`, { content });
  }

  async close(tab: Tab): Promise<void> {
    this.tabs = this.tabs.filter((other) => other !== tab);
    this.counts.closed += 1;
    await tab.client.close();
    tab.isGone = true;
    tab.page.crash();
  }

  kill(tab: Tab): void {
    this.tabs = this.tabs.filter((other) => other !== tab);
    this.counts.killed += 1;
    tab.isGone = true;
    tab.page.crash();
    const stored = [...this.browser.values.values()].join('\n');
    for (const content of tab.edits) if (!stored.includes(`"${content}"`)) this.unstored.add(content);
  }
}

async function act(browser: Browser, random: Random): Promise<void> {
  const dice = random.next();
  const { tabs, gate } = browser;
  if (tabs.length === 0 || (dice < 0.08 && tabs.length < maxTabs)) await browser.openTab();
  else if (dice < 0.13) await browser.close(random.pick(tabs));
  else if (dice < 0.18) browser.kill(random.pick(tabs));
  else if (dice < 0.21) gate.cut();
  else if (dice < 0.23) gate.blackhole();
  else if (dice < 0.33) {
    gate.open();
    if (random.chance(0.5)) random.pick(tabs).client.wake();
  }
}

t.test(`tabs of one browser in ${seconds} s of chaos lose and double no edit`, async (t) => {
  t.comment(`seed ${seed}`);
  const random = seededRandom(seed);
  const { hostname: host, port } = new URL(api.address);
  const browser = new Browser(await withTcpGate(t, { host, port: Number(port) }));
  const edits: string[] = [];
  for (const end = Date.now() + seconds * 1000; Date.now() < end || browser.editCount < minEdits; ) {
    await act(browser, random);
    for (const tab of browser.tabs) for (let count = random.below(3); count > 0; count -= 1) browser.edit(tab);
    await delay(random.below(150));
  }
  browser.gate.open();
  await browser.openTab();
  for (const { client } of browser.tabs) client.wake();
  const isDone = ({ client }: Tab) => client.pending === 0 && client.status === 'live';
  await waitUntil('all tabs are live, and nothing is pending', () => browser.tabs.every(isDone), {
    timeoutMs: 120_000,
  });

  for (let edit = 1; edit <= browser.editCount; edit += 1) edits.push(`edit ${edit}`);
  const observer = await withClient(t, { url: api.address, field });
  const log = await readWholeLog(observer);
  const logged = log.flatMap(({ update }) => (update.kind === 'particle.put' ? (update.content ?? '') : []));
  t.equal(new Set(logged).size, logged.length, 'none is doubled');
  const missing = edits.filter((content) => !logged.includes(content));
  t.same(
    missing.filter((content) => !browser.unstored.has(content)),
    [],
    'none is missing but what a killed tab had neither stored nor sent',
  );
  t.ok(logged.length > 100, `${logged.length} edits`);
  const shown = (client: FieldClient) =>
    client.state.memoryParticles.map(({ id, content }) => `${id} ${content}`).sort();
  await waitUntil('the observer has the newest state', () => observer.state.version === log.length);
  for (const { client } of browser.tabs) t.same(shown(client), shown(observer));
  t.comment(
    `${edits.length} edits, ${missing.length} of which killed tabs had not stored; ${JSON.stringify(browser.counts)}; ` +
      `${new Set(log.map(({ device }) => device)).size} devices`,
  );
});

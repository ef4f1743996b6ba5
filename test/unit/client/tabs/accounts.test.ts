/** People who sign in and out in the tabs of one browser: each edit is sent by the account that has made it. */
import t, { type Test } from 'tap';
import { createTabClient } from '../../../../client/tabs/tab-client.ts';
import { waitUntil } from '../../../support/wait-until.ts';
import { FakeBrowser } from '../support/fake-browser.ts';
import { ModelServer } from '../support/model-server.ts';

/** An app that is open in several tabs, all of which are signed in as `user`. */
class App {
  user = 'alice';
  readonly server = new ModelServer();
  readonly browser = new FakeBrowser(this.server.fetch);

  async openTab(t: Test) {
    const page = this.browser.open();
    const { fetch, storage } = page;
    const getToken = () => `.${btoa(JSON.stringify({ sub: this.user, device: `phone-of-${this.user}` }))}.`;
    const options = { url: 'http://127.0.0.1', field: 'f', transports: ['polling'] as const, getToken, fetch, storage };
    const client = createTabClient(options, page.globals);
    t.teardown(() => {
      page.end();
      void client.close();
    });
    await client.start();
    await waitUntil('the tab is connected', () => client.status === 'polling');
    return { client, page };
  }

  /** What the server has applied, with the device that sent it. */
  get applied(): string[] {
    return this.server.log.map(({ device, update }) => `${device}: ${'content' in update ? update.content : ''}`);
  }
}

t.test('edits made offline before another person signs in wait for their account', async (t) => {
  const app = new App();
  const leader = await app.openTab(t);
  const follower = await app.openTab(t);
  const readDevices = () => [leader, follower].map(({ client }) => client.deviceId);
  const signIn = async (user: string) => {
    app.user = user;
    follower.client.renewToken();
    await waitUntil(`the tabs are signed in as ${user}`, () => readDevices().every((id) => id === `phone-of-${user}`));
  };
  app.browser.isOnline = false;
  for (const { client } of [leader, follower])
    client.putParticle(`a-${client === leader.client}`, { content: 'alice' });
  await signIn('bob');
  follower.client.putParticle('b', { content: 'bob' });
  app.browser.isOnline = true;
  await waitUntil('the edit of the second person is applied', () => app.applied.length > 0, { timeoutMs: 30_000 });
  const problems = leader.client.problem;
  t.same(app.applied, ['phone-of-bob: bob'], `nothing of the first person is sent (${problems?.code})`);
  await signIn('alice');
  await waitUntil('all is applied', () => app.applied.length === 3, { timeoutMs: 30_000 });
  t.same(app.applied.slice(1), ['phone-of-alice: alice', 'phone-of-alice: alice']);
});

t.test('a tab that takes the lead sends nothing of an account that has signed out', async (t) => {
  const app = new App();
  const leader = await app.openTab(t);
  const follower = await app.openTab(t);
  app.browser.isOnline = false;
  const entry = follower.client.putParticle('a', { content: 'alice' });
  await waitUntil('the leader has it', () => leader.client.outbox.some(({ key }) => key === entry.key));
  app.user = 'bob';
  leader.page.crash();
  app.browser.isOnline = true;
  await waitUntil('the other tab leads', () => follower.client.deviceId === 'phone-of-bob', { timeoutMs: 30_000 });
  await follower.client.settled(follower.client.putParticle('b', { content: 'bob' }));
  t.same(app.applied, ['phone-of-bob: bob']);
  app.user = 'alice';
  follower.client.renewToken();
  await waitUntil('it is applied', () => app.applied.length === 2, { timeoutMs: 30_000 });
  t.same(app.applied.slice(1), ['phone-of-alice: alice']);
});

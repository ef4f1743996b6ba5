import t, { type Test } from 'tap';
import { type TestApi, withApi } from '../../api/support/with-app.ts';
import { withBacking } from '../../support/processes/with-worker.ts';
import { launchChromium, type OwnBrowser } from '../support/chromium.ts';

const password = 'a long enough password';
const board = '/admin/queues/';

t.test('the login dialog of a browser', async (t) => {
  const own = await launchChromium();
  t.teardown(() => own.close());
  const api = await withApi(t, await withBacking(t), {
    NODE_ENV: 'production',
    OPEN_REGISTRATION: 'false',
    ADMIN_PASSWORD: password,
  });

  await t.test('opens Bull Board with the right password, its scripts and its API included', async (t) => {
    const login = await visit(t, own, api, password);
    t.equal(await login.open(board), 200);
    await login.page.getByRole('link', { name: 'updates' }).first().waitFor();
    t.same(login.challenges, [{ origin: api.address, scheme: 'basic', realm: 'operator' }]);
  });

  await t.test('opens the metrics with the right password', async (t) => {
    const login = await visit(t, own, api, password);
    t.equal(await login.open('/metrics'), 200);
    t.match(await login.page.textContent('body'), /field_http_request_duration_seconds/);
    t.equal(login.challenges.length, 1);
  });

  await t.test('asks again after a wrong password and shows the refusal when it is dismissed', async (t) => {
    for (const path of [board, '/metrics']) {
      const login = await visit(t, own, api, 'a wrong password');
      t.equal(await login.open(path), 401, path);
      t.equal(login.challenges.length, 2, 'one challenge before the password and one after it');
      t.notMatch(await login.page.textContent('body'), /Field queues|field_http_request/);
    }
  });
});

/**
 * A page that answers the login dialog once and dismisses it afterwards. The browser asks for credentials only when it
 * has understood the challenge of the server, so no request carries a header that the test has made.
 */
async function visit(t: Test, { browser }: OwnBrowser, { address }: TestApi, typed: string) {
  const context = await browser.newContext();
  t.teardown(() => context.close());
  const page = await context.newPage();
  const challenges: { origin: string; scheme: string; realm: string }[] = [];
  const session = await context.newCDPSession(page);
  session.on('Fetch.requestPaused', ({ requestId, request }) => {
    // Bull Board loads fonts from another site; tests stay on this machine.
    const answered = request.url.startsWith(`${address}/`)
      ? session.send('Fetch.continueRequest', { requestId })
      : session.send('Fetch.failRequest', { requestId, errorReason: 'BlockedByClient' });
    answered.catch(ignoreClosedPage);
  });
  session.on('Fetch.authRequired', ({ requestId, authChallenge: { origin, scheme, realm } }) => {
    challenges.push({ origin, scheme, realm });
    const authChallengeResponse =
      challenges.length === 1
        ? ({ response: 'ProvideCredentials', username: 'operator', password: typed } as const)
        : ({ response: 'CancelAuth' } as const);
    session.send('Fetch.continueWithAuth', { requestId, authChallengeResponse }).catch(ignoreClosedPage);
  });
  await session.send('Fetch.enable', { handleAuthRequests: true });
  return { page, challenges, open: async (path: string) => (await page.goto(`${address}${path}`))?.status() };
}

/** Bull Board polls, so a request may be pending when the page closes. While the page is open, it would time out. */
function ignoreClosedPage(): void {}

/** Whose token the client has while somebody else signs in. */
import t from 'tap';
import { TokenProvider } from '../../../client/connection/token-provider.ts';

const tokenOf = (user: string) => `.${btoa(JSON.stringify({ sub: user, device: `phone-of-${user}` }))}.`;

t.test('a late answer for the former account changes nothing, and its caller gets the present token', async (t) => {
  const answers: ((token: string) => void)[] = [];
  const accounts: (string | undefined)[] = [];
  const provider = new TokenProvider({
    url: 'http://127.0.0.1',
    getToken: () => new Promise((resolve) => answers.push(resolve)),
    fetch: async () => new Response(),
    now: () => 0,
    onAccount: () => accounts.push(provider.account),
  });
  const first = provider.getToken();
  const { generation } = provider;
  provider.forgetAppToken();
  t.not(provider.generation, generation, 'what was asked for before must not be used to send');
  const second = provider.getToken();
  answers[1]?.(tokenOf('bob'));
  t.equal(await second, tokenOf('bob'));
  answers[0]?.(tokenOf('alice'));
  t.equal(await first, tokenOf('bob'));
  t.same([provider.account, provider.device, accounts], ['bob', 'phone-of-bob', ['bob']]);
  t.equal(answers.length, 2, 'the app was not asked again');
});

t.test('a renewal that returns the token of another account changes the generation', async (t) => {
  let user = 'alice';
  let now = 0;
  const expiring = () => `.${btoa(JSON.stringify({ sub: user, device: `phone-of-${user}`, exp: now / 1000 + 600 }))}.`;
  const provider = new TokenProvider({
    url: 'http://127.0.0.1',
    getToken: expiring,
    fetch: async () => new Response(),
    now: () => now,
    onAccount: () => {},
  });
  await provider.getToken();
  const { generation } = provider;
  now = 550_000;
  await provider.getToken();
  t.equal(provider.generation, generation, 'the same account and device');
  user = 'bob';
  now = 1_100_000;
  const token = await provider.getToken();
  t.not(provider.generation, generation, 'updates that are pending now are those of the other account');
  t.equal(token, await provider.getToken(), 'and its token sends them');
  t.equal(provider.account, 'bob');
});

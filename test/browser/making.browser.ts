/** Making on the live page: texts, moves, connections, undo, names, and conflicts of one's own edits. */
import t from 'tap';
import type { Update } from '../../shared/field/update.ts';
import { waitUntil } from '../support/wait-until.ts';
import { networkErrors, withPageNetwork } from './support/page-network.ts';
import { send } from './support/send.ts';
import { type LivePage, pointAt, withSite } from './support/with-page.ts';

/** A write of the cell where the keyboard's cursor is at first. */
function writeCenter(value: number, timestamp = 1_700_000_000_000): Update {
  return { counter: 1, timestamp, seen: 0, kind: 'cells.set', cells: [{ x: 15, y: 15, value }] };
}

/** What the server has of the field's particles. */
interface StoredParticle {
  readonly id: string;
  readonly content?: string;
  readonly connections: readonly string[];
  readonly position: { readonly x: number; readonly y: number };
  readonly velocity: { readonly x: number; readonly y: number };
}

async function makeParticle(live: LivePage, name: string, dx: number): Promise<{ x: number; y: number }> {
  const point = await pointAt(live, dx, -80);
  await live.page.mouse.click(point.x, point.y);
  await live.page.getByLabel('Text of the particle').waitFor();
  await live.page.keyboard.type(name);
  await live.page.keyboard.press('Enter');
  await live.page.locator('#card').waitFor({ state: 'hidden' });
  return point;
}

t.test('making something', async (t) => {
  const site = await withSite(t);
  const token = await site.api.createToken();
  const untilStored = (field: string, condition: string, isMet: (particles: readonly StoredParticle[]) => boolean) =>
    waitUntil(condition, async () => {
      const { body } = await site.api.request(`/api/fields/${field}`, { token });
      return isMet((body.memoryParticles ?? []) as StoredParticle[]);
    });

  await t.test('a particle gets a text when it is made, and another one later', async (t) => {
    const live = await site.open(t, { field: 'texts' });
    await live.waitUntilLive();
    const point = await makeParticle(live, 'First name', 0);
    await live.waitForText('#memories', /First name/);
    await live.page.mouse.click(point.x, point.y);
    await live.page.getByLabel('Text of the particle').fill('Second name');
    await live.page.locator('#card').getByRole('button', { name: 'Save' }).click();
    await untilStored('texts', 'the text is changed', ([particle]) => particle?.content === 'Second name');
    await live.page.keyboard.press('Control+z');
    await untilStored('texts', 'the change is undone', ([particle]) => particle?.content === 'First name');
    await live.page.getByRole('button', { name: 'Redo' }).click();
    await untilStored('texts', 'the change is made again', ([particle]) => particle?.content === 'Second name');
    t.equal(await live.figure('particles'), '1');
  });

  await t.test('a text that nobody has typed here is not written, whatever others write meanwhile', async (t) => {
    const field = 'texts-of-others';
    const put = (counter: number, content: string): Update => ({
      ...{ counter, timestamp: Date.now(), seen: 0, kind: 'particle.put', id: 'a' },
      ...{ content, position: { x: 15, y: 15, z: 0 } },
    });
    await send(site.api, field, 'phone-1', [put(1, 'one\ntwo ')]);
    const live = await site.open(t, { field });
    await live.waitForFigure('particles', '1');
    const text = live.page.getByLabel('Text of the particle');
    const open = async () => {
      await live.page.locator('#memories').getByRole('button').click();
      await text.focus();
    };
    await open();
    await live.page.keyboard.press('Enter');
    await live.page.locator('#card').waitFor({ state: 'hidden' });
    await open();
    await send(site.api, field, 'phone-1', [put(2, 'theirs')]);
    await live.waitForText('#memories', /theirs/);
    await live.page.keyboard.press('Enter');
    await live.page.locator('#card').waitFor({ state: 'hidden' });
    await live.waitForText('#pending', /^$/);
    const { body } = await site.api.request(`/api/fields/${field}`, { token });
    t.match(body, { version: 2, memoryParticles: [{ content: 'theirs' }] });
  });

  await t.test(
    'two particles are connected mutually, which moves the entanglement, and separated by one undo',
    async (t) => {
      const live = await site.open(t, { field: 'links' });
      await live.waitUntilLive();
      const one = await makeParticle(live, 'One', -200);
      // So far away that it is not connected when it is made.
      const two = await makeParticle(live, 'Two', 150);
      await untilStored('links', 'both are stored', ({ length }) => length === 2);
      await live.page.mouse.click(one.x, one.y);
      await live.page.getByRole('button', { name: 'Connect' }).click();
      await live.waitForText('#connect-hint', /Press the particle to connect with “One”/);
      await live.page.mouse.click(two.x, two.y);
      await untilStored('links', 'each names the other', (particles) =>
        particles.every(({ connections }) => connections.length === 1),
      );
      await live.waitForText('[data-gauge=Entanglement] .value', /^1\.00$/);
      await live.page.getByRole('button', { name: 'Undo' }).click();
      await untilStored('links', 'none names another', (particles) =>
        particles.every(({ connections }) => connections.length === 0),
      );
    },
  );

  await t.test('a particle is moved by the pointer, and set in motion on its card', async (t) => {
    const live = await site.open(t, { field: 'motion' });
    await live.waitUntilLive();
    const { x, y } = await makeParticle(live, 'Moved', -100);
    let start = 0;
    await untilStored('motion', 'it is there', ([particle]) => {
      start = particle?.position.x ?? 0;
      return particle !== undefined;
    });
    await live.page.mouse.move(x, y);
    await live.page.mouse.down();
    await live.page.mouse.move(x + 120, y, { steps: 4 });
    await live.page.mouse.up();
    await untilStored('motion', 'it is elsewhere', ([particle]) => (particle?.position.x ?? start) > start + 1);
    await live.page.getByRole('button', { name: /Moved/ }).click();
    await live.page.getByLabel('Motion').fill('1.5');
    await untilStored('motion', 'it moves', ([particle]) => particle?.velocity.x === 1.5);
    await live.page.getByLabel('Motion').fill('0');
    await untilStored('motion', 'it rests', ([particle]) => particle?.velocity.x === 0);
  });

  await t.test('others see the name that one chooses, and lose it when the page is closed', async (t) => {
    const [one, two] = [await site.open(t, { field: 'names' }), await site.open(t, { field: 'names' })];
    await Promise.all([one.waitUntilLive(), two.waitUntilLive()]);
    await one.page.getByRole('button', { name: /^Your name/ }).click();
    await one.page.getByLabel('Name', { exact: true }).fill('Maya\u202e');
    await one.page.getByRole('radio', { name: 'teal' }).check();
    await one.page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await two.waitForText('#people', /Maya/);
    t.notMatch(await two.page.textContent('#people'), /\u202e/, 'marks that change the direction of text are left out');
    await two.waitForFigure('devices', '2');
    await one.page.close();
    const closedAt = Date.now();
    await two.waitForFigure('devices', '1');
    t.notMatch(await two.page.textContent('#people'), /Maya/);
    t.ok(Date.now() - closedAt < 5000, 'at once, and not after the 30 seconds of a lost connection');
  });

  await t.test('an own edit that lost a conflict is shown before and after, and restored', async (t) => {
    const link = await withPageNetwork(t, site.api.address);
    const field = 'lost';
    await send(site.api, field, 'phone-1', [writeCenter(0.1)]);
    const live = await site.open(t, { address: link.address, field, expected: networkErrors });
    await live.waitUntilLive();
    link.goOffline();
    await live.waitForText('#status', /^(offline|connecting)$/);
    await live.page.getByRole('radio', { name: 'Heat' }).check();
    await live.page.locator('#field').focus();
    await live.page.keyboard.press('Enter');
    await live.waitForText('#pending', /queued/);
    // A later timestamp wins.
    await send(site.api, field, 'phone-2', [writeCenter(0.33, Date.now() + 4000)]);
    link.goOnline();
    await live.page.getByRole('button', { name: 'Restore mine' }).first().waitFor();
    await live.waitForText('#conflict-title', /Your change of cell 15,15 was replaced by a change by phone-2/);
    t.equal(await live.page.textContent('#conflict-mine'), '0.80');
    t.equal(await live.page.textContent('#conflict-theirs'), '0.33');
    await live.page.locator('#conflict-restore').click();
    await live.page.locator('#own-conflict').waitFor({ state: 'hidden' });
    await waitUntil('the value is restored', async () => {
      const { body } = await site.api.request(`/api/fields/${field}`, { token });
      return (body.cells as Record<string, number>)['15,15'] === 0.8;
    });
  });
});

/** The states of the live page, in both themes and on a small screen: each is accessible, and nothing is cut off. */
import t from 'tap';
import { putParticle } from '../../support/updates.ts';
import { findViolations } from '../support/axe.ts';
import { networkErrors, type PageNetwork, withPageNetwork } from '../support/page-network.ts';
import { send } from '../support/send.ts';
import { type LivePage, phone, pointAt, waitForTimeline, withSite } from '../support/with-page.ts';

interface State {
  readonly name: string;
  readonly isFirstVisit?: boolean;
  readonly hash?: string;
  /** Brings a live page into the state. */
  enter(live: LivePage, network: PageNetwork): Promise<void>;
}

const field = 'states';

/** On a low screen, the tools and the timeline are behind a button. */
async function unfold({ page }: LivePage): Promise<void> {
  const button = page.locator('#show-tools[aria-expanded=false]');
  if (await button.isVisible()) await button.click();
}

const openDialog = (button: string) => async (live: LivePage) => {
  await live.page.locator(button).click();
  await live.page.locator('dialog:modal').waitFor();
};

const states: readonly State[] = [
  {
    name: 'the first visit',
    isFirstVisit: true,
    enter: ({ page }) => page.locator('#welcome').waitFor(),
  },
  {
    name: 'a word explained',
    async enter({ page }) {
      await page.locator('#status-term').focus();
      await page.keyboard.press('Shift+Tab');
      await page.keyboard.press('Tab');
      await page.locator('#tooltip:popover-open').waitFor();
    },
  },
  {
    name: 'a particle selected',
    async enter(live) {
      const { x, y } = await pointAt(live, -60, 40);
      await live.page.mouse.click(x, y);
      await live.page.locator('#card').waitFor();
    },
  },
  {
    name: 'an own conflict',
    async enter(live, network) {
      network.goOffline();
      await live.waitForText('#status', /^(offline|connecting)$/);
      await unfold(live);
      await live.page.getByRole('radio', { name: 'Heat' }).check();
      await live.page.locator('#field').focus();
      await live.page.keyboard.press('Enter');
      await live.waitForText('#pending', /queued/);
      await writeCenter();
      network.goOnline();
      await live.page.locator('#own-conflict').waitFor();
    },
  },
  {
    name: 'history',
    async enter(live) {
      await unfold(live);
      await live.page.getByRole('slider', { name: 'Show an earlier version' }).press('ArrowLeft');
      await live.waitForText('#status', /^history$/);
    },
  },
  {
    name: 'offline',
    async enter(live, network) {
      network.goOffline();
      await live.waitForText('#status', /^offline$/);
    },
  },
  { name: 'the gallery', enter: openDialog('#fields') },
  { name: 'sharing', enter: openDialog('#share') },
  { name: 'the own name', enter: openDialog('#me') },
  {
    name: 'saving',
    async enter(live) {
      await unfold(live);
      await live.page.locator('#save').click();
      await live.page.locator('#save-menu').waitFor();
    },
  },
];

let writeCenter = async (): Promise<void> => undefined;

const allVariants = [
  ['dark, desktop', { colorScheme: 'dark' }],
  ['light, phone', { colorScheme: 'light', viewport: phone, hasTouch: true }],
  ['dark, phone on its side', { colorScheme: 'dark', viewport: { width: phone.height, height: phone.width } }],
  // A window of 1280 x 1024 pixels, enlarged four times (WCAG 1.4.10).
  ['light, enlarged four times', { colorScheme: 'light', viewport: { width: 320, height: 256 } }],
] as const;

/** The narrowest ones, for CI: all of them take three minutes. */
const variants = process.env.TEST_SHORT ? allVariants.filter(([name]) => name.startsWith('light')) : allVariants;

t.test('each state of the live page is accessible', async (t) => {
  const site = await withSite(t);
  await send(site.api, field, 'phone-1', [putParticle(1, 'a', { content: 'A memory' }), putParticle(2, 'b')]);
  let counter = 0;
  writeCenter = async () => {
    counter += 1;
    const cell = { x: 15, y: 15, value: counter / 100 };
    const update = { kind: 'cells.set', cells: [cell], counter, timestamp: Date.now() + 4000, seen: 0 } as const;
    await send(site.api, field, 'phone-2', [update]);
  };
  for (const [variant, options] of variants) {
    for (const { name, enter, ...state } of states) {
      await t.test(`${name}, ${variant}`, async (t) => {
        const network = await withPageNetwork(t, site.api.address);
        const live = await site.open(t, {
          address: network.address,
          field,
          expected: networkErrors,
          ...options,
          ...state,
        });
        await live.waitUntilLive();
        await waitForTimeline(live);
        await enter(live, network);
        if (process.env.TEST_PICTURES)
          await live.page.screenshot({ path: `${process.env.TEST_PICTURES}/${name}, ${variant}.png` });
        t.same(await findViolations(t, live.page), []);
        t.same(await findCutOff(live), [], 'nothing that can be pressed is out of reach');
        t.same(await findOverlaps(live), [], 'nothing that can be pressed covers its neighbour');
      });
    }
  }
});

/** The controls that no scrolling brings into the window. */
async function findCutOff({ page }: LivePage): Promise<string[]> {
  return page.evaluate(`
    [...document.querySelectorAll('button, input, select, a')]
      .filter((control) => control.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
      .filter((control) => !control.closest('[inert]') && !control.classList.contains('unseen'))
      .filter((control) => {
        control.scrollIntoView({ block: 'nearest', inline: 'nearest', behavior: 'instant' });
        const { left, right, top, bottom, width, height } = control.getBoundingClientRect();
        return width > 1 && height > 1 && (left < -1 || top < -1 || right > innerWidth + 1 || bottom > innerHeight + 1);
      })
      .map((control) => control.id || control.textContent.trim() || control.name)
  `) as Promise<string[]>;
}

/** Controls of one group that cover each other. */
async function findOverlaps({ page }: LivePage): Promise<string[]> {
  return page.evaluate(`
    [...document.querySelectorAll('.head, .tools, .events, .timeline, dialog[open] form, #card')].flatMap((group) => {
      const boxes = [...group.querySelectorAll('button, select, .caption')]
        .filter((control) => control.checkVisibility({ visibilityProperty: true }))
        .map((control) => [control.id || control.textContent.trim(), control.getBoundingClientRect()]);
      return boxes.flatMap(([name, a], index) =>
        boxes.slice(index + 1)
          .filter(([, b]) => a.left + 4 < b.right && b.left + 4 < a.right && a.top + 4 < b.bottom && b.top + 4 < a.bottom)
          .map(([other]) => name + ' and ' + other),
      );
    })
  `) as Promise<string[]>;
}

/** Checks a page by axe, the rules of which are those of WCAG. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import type { Test } from 'tap';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The violated rules, each with the elements that violate it, once no transition is under way: its colors are not those to be checked. */
export async function findViolations(t: Test, page: Page): Promise<unknown[]> {
  await page.evaluate(`Promise.allSettled(
    document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime < Infinity).map(({ finished }) => finished),
  )`);
  await page.evaluate(axe);
  const { violations, passes, testEngine } = (await page.evaluate('axe.run()')) as AxeResults;
  if (passes.length < 10) throw new Error(`axe checked too little of the page: only ${passes.length} rules passed`);
  t.comment(`axe ${testEngine.version}: ${violations.length} violations, ${passes.length} rules passed`);
  return violations.map(({ id, nodes }) => ({
    id,
    elements: nodes.map(({ html, failureSummary }) => [html, failureSummary]),
  }));
}

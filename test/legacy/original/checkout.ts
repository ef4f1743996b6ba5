/**
 * The source of the original system, which is public and has no licence: it is fetched for the test, run as it is, and kept nowhere.
 * LEGACY_ORIGINAL names another place that has its repository, for example the path of a clone.
 */
import { execFile } from 'node:child_process';
import { isAbsolute, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { withFolder } from '../../support/with-folder.ts';

const repository = 'https://github.com/AceTheDactyl/Limnus-Claude-AI';
const commit = '5709ee2cebc2acc05d1dd9f271c24f85c17e3ec6';
const timeoutMs = 120_000;

const run = promisify(execFile);

/**
 * @returns a folder with the files of the commit, removed at the end of the test
 * @throws Error that says what to do if they cannot be fetched
 */
export async function checkOutOriginal(t: Test): Promise<string> {
  const folder = await withFolder(t);
  const given = process.env.LEGACY_ORIGINAL;
  const source = given ? locate(given) : repository;
  const git = (...args: string[]) =>
    run('git', args, { cwd: folder, timeout: timeoutMs, env: { ...process.env, GIT_TERMINAL_PROMPT: '0' } });
  try {
    await git('init', '--quiet');
    await git('fetch', '--quiet', '--depth=1', source, commit);
    await git('checkout', '--quiet', 'FETCH_HEAD');
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string };
    const reason = stderr.trim().split('\n').at(-1) || (cause as Error).message;
    const advice = `Clone ${repository} where there is a network, and run LEGACY_ORIGINAL=<path of the clone> npm run test:legacy`;
    throw new Error(`The original's commit ${commit} cannot be fetched from ${source}: ${reason}. ${advice}`, {
      cause,
    });
  }
  return folder;
}

/** Relative paths are those of the checkout, in which npm runs its scripts. */
function locate(place: string): string {
  return isAbsolute(place) || /^[a-z+]+:|^[^/]+@/.test(place) ? place : resolve(place);
}

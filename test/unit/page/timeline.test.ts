import t from 'tap';
import { formatAge, formatMoment } from '../../../page/timeline/format-time.ts';
import { LogIndex, type LogPage } from '../../../page/timeline/log-index.ts';
import { Playhead } from '../../../page/timeline/player.ts';

/** A log with an entry every ten seconds; every tenth is an event, and number 15 met a conflict. */
function createLog(version: number) {
  const paths: string[] = [];
  const read = async (path: string): Promise<LogPage> => {
    paths.push(path);
    const [, after = '', limit = ''] = /after=(\d+)&limit=(\d+)/.exec(path) ?? [];
    const count = Math.max(0, Math.min(Number(limit), version - Number(after)));
    const updates = Array.from({ length: count }, (_, index) => {
      const at = Number(after) + 1 + index;
      const update = at % 10 === 0 ? { kind: 'event', type: 'bloom' } : { kind: 'cells.set' };
      return { version: at, cursor: `${at}.x`, time: at * 10_000, outcome: at === 15 ? 'conflict' : 'applied', update };
    });
    return { version, oldest: 0, updates };
  };
  return { paths, index: new LogIndex(read) };
}

t.test('events and conflicts of the log are marked, and a page is read once', async (t) => {
  const { paths, index } = createLog(1200);
  await index.load(1, 1200);
  await index.load(1, 1200);
  t.equal(paths.length, 4, 'three pages, and the last one again since it may have grown');
  t.same(index.marks.slice(0, 3), [
    { version: 10, kind: 'event', label: 'bloom' },
    { version: 15, kind: 'conflict', label: 'conflict' },
    { version: 20, kind: 'event', label: 'bloom' },
  ]);
  t.equal(index.timeOf(1200), 12_000_000);
});

t.test('the version at a moment is found with few reads', async (t) => {
  const { paths, index } = createLog(100_000);
  t.equal(await index.findVersion(543_210_000 + 9_999, 0, 100_000), 54_321);
  t.ok(paths.length <= 17, `${paths.length} reads`);
  t.equal(await index.findVersion(0, 0, 100_000), 0, 'before everything');
});

t.test('playing follows the time of the log, shortens long pauses, and waits for what is not loaded', async (t) => {
  const times = new Map([
    [1, 0],
    [2, 1000],
    [3, 1200],
    [4, 3_600_000],
  ]);
  const playhead = new Playhead((version) => times.get(version), 1);
  playhead.advance(500, 1, 5);
  t.equal(playhead.version, 1);
  playhead.advance(100, 10, 5);
  t.equal(playhead.version, 3, 'ten times as fast');
  playhead.advance(200, 1, 5);
  t.equal(playhead.version, 3);
  playhead.advance(1500, 1, 5);
  t.equal(playhead.version, 4, 'an hour without a change takes a second and a half');
  playhead.advance(10_000, 100, 5);
  t.equal(playhead.version, 4, 'version 5 is not loaded');
});

t.test('an age has one unit', async (t) => {
  const now = 1_700_000_000_000;
  t.equal(formatAge(now - 5_000, now), 'just now');
  t.equal(formatAge(now - 59_000, now), '59 seconds ago');
  t.equal(formatAge(now - 60_000, now), '1 minute ago');
  t.equal(formatAge(now - 600_000, now), '10 minutes ago');
  t.equal(formatAge(now - 90_000_000, now), '1 day ago');
});

t.test('a moment has its date unless it is today', async (t) => {
  const time = new Date(2026, 1, 3, 14, 20, 5).getTime();
  t.equal(formatMoment(time, time + 1000), '14:20:05');
  t.equal(formatMoment(time, time + 86_400_000), '3 Feb 2026, 14:20:05');
  t.equal(formatMoment(time), '3 Feb 2026, 14:20:05', 'a picture is looked at on any day');
});

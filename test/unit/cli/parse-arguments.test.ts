import t from 'tap';
import {
  collectFields,
  integerBetween,
  parseDevice,
  parseDuration,
  parseField,
} from '../../../cli/input/parse-arguments.ts';
import { parsePatterns, parseScopes } from '../../../cli/input/parse-token-options.ts';

t.test('durations are a number and a unit', async (t) => {
  const seconds = ['90s', '45m', '12h', '30d', '2w'].map(parseDuration);
  t.same(seconds, [90, 2700, 43_200, 2_592_000, 1_209_600]);
  for (const wrong of ['', '30', 'd', '0s', '-1d', '1.5h', '30 days', '36501d']) {
    t.throws(() => parseDuration(wrong), { code: 'commander.invalidArgument' }, wrong);
  }
});

t.test('ids, patterns and scopes are those of the contract', async (t) => {
  t.equal(parseField('team-1'), 'team-1');
  t.same(collectFields('b', collectFields('a', undefined)), ['a', 'b']);
  t.equal(parseDevice('Phone.1:a'), 'Phone.1:a');
  t.same(parsePatterns('global, team-*,*'), ['global', 'team-*', '*']);
  t.same(parseScopes('field:read  board:read'), ['field:read', 'board:read']);
  const code = { code: 'commander.invalidArgument' };
  t.throws(() => parseField('Team'), code);
  t.throws(() => parseDevice('a b'), code);
  t.throws(() => parseDevice('__proto__'), code);
  const usage = { name: 'CliError', exit: 'usage' };
  t.throws(() => parsePatterns('team-*,'), usage);
  t.throws(() => parsePatterns('te*am'), usage);
  t.throws(() => parseScopes('field:admin'), usage);
});

t.test('numbers are whole and within their bounds', async (t) => {
  const parse = integerBetween(1, 500);
  t.same(['1', '500'].map(parse), [1, 500]);
  for (const wrong of ['0', '501', '1.5', '1e2', '-1', '', 'x']) {
    t.throws(() => parse(wrong), { code: 'commander.invalidArgument' }, wrong);
  }
});

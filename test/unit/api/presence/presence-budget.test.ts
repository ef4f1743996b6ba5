import t from 'tap';
import { PresenceBudget } from '../../../../api/presence/presence-budget.ts';

const full = { code: 'presence_full' };

t.test('the devices of a user show 64 KiB at most, and what one shows no more can be shown by another', async (t) => {
  const budget = new PresenceBudget();
  for (let device = 0; device < 64; device += 1) budget.spend(`d-${device}`, { user: 'u', bytes: 1024 });
  t.throws(() => budget.spend('more', { user: 'u', bytes: 1 }), full);
  budget.spend('more', { user: 'other', bytes: 1024 });
  budget.spend('d-0', { user: 'u', bytes: 1000 });
  budget.spend('more-of-u', { user: 'u', bytes: 24 });
  t.throws(() => budget.spend('d-1', { user: 'u', bytes: 1025 }), full, 'what it has shown before is replaced');
  budget.release('d-0');
  budget.release('d-0');
  budget.spend('again', { user: 'u', bytes: 1000 });
  t.throws(() => budget.spend('d-0', { user: 'u', bytes: 1 }), full);
});

t.test('all devices of a field show 1 MiB at most', async (t) => {
  const budget = new PresenceBudget();
  for (let device = 0; device < 1024; device += 1) budget.spend(`d-${device}`, { user: `u-${device}`, bytes: 1024 });
  t.throws(() => budget.spend('more', { user: 'more', bytes: 1 }), full);
  budget.release('d-7');
  budget.spend('more', { user: 'more', bytes: 1024 });
});

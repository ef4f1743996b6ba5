import t from 'tap';
import { listCommitWeaknesses } from '../../../db/read/settings/commit-durability.ts';

const durable = {
  fsync: 'on',
  fullPageWrites: 'on',
  synchronousCommit: 'on',
  newSynchronousCommit: null,
  synchronousStandbyNames: '',
};

t.test('the settings with which PostgreSQL may lose a commit are listed', async (t) => {
  t.same(listCommitWeaknesses(durable), []);
  t.same(listCommitWeaknesses({ ...durable, fsync: 'off', fullPageWrites: 'off', synchronousCommit: 'off' }), [
    'fsync is off',
    'full_page_writes is off',
    'synchronous_commit is off',
  ]);
});

t.test('a role or database that turns synchronous_commit off for new sessions counts', async (t) => {
  for (const value of ['off', 'false', 'no', '0']) {
    t.same(listCommitWeaknesses({ ...durable, newSynchronousCommit: value }), [
      `synchronous_commit is ${value} for new sessions`,
    ]);
  }
  t.same(listCommitWeaknesses({ ...durable, newSynchronousCommit: 'remote_apply' }), []);
  t.same(listCommitWeaknesses({ ...durable, synchronousCommit: 'off', newSynchronousCommit: 'off' }), [
    'synchronous_commit is off',
  ]);
});

t.test('local commits are weak only where a synchronous standby is configured', async (t) => {
  t.same(listCommitWeaknesses({ ...durable, synchronousCommit: 'local' }), []);
  const withStandby = { ...durable, synchronousStandbyNames: 'ANY 1 (a, b)' };
  t.same(listCommitWeaknesses({ ...withStandby, synchronousCommit: 'local' }), [
    'synchronous_commit is local, although synchronous_standby_names is set',
  ]);
  for (const value of ['on', 'remote_write', 'remote_apply']) {
    t.same(listCommitWeaknesses({ ...withStandby, synchronousCommit: value }), []);
  }
});

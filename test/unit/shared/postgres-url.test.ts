import t from 'tap';
import { describeUnusableHosts, parsePostgresUrl } from '../../../shared/postgres/parse-url.ts';

t.test('a URL with one host is left as it is', async (t) => {
  for (const url of [
    'postgres://field:p%40ss@db.example:5432/field?sslmode=require',
    'postgresql://db/field',
    'postgres://[::1]:5433/field',
    'postgres://field@/field?host=/var/run/postgresql',
  ]) {
    t.same(parsePostgresUrl(url), { hosts: [url], needsWritable: false });
  }
});

t.test('several hosts become a URL each, and one that accepts writes is needed', async (t) => {
  const url = 'postgres://field:a,b@one:5432,[::1]:5433,three/field?sslmode=require&target_session_attrs=primary&a=1';
  t.same(parsePostgresUrl(url), {
    hosts: [
      'postgres://field:a,b@one:5432/field?sslmode=require&a=1',
      'postgres://field:a,b@[::1]:5433/field?sslmode=require&a=1',
      'postgres://field:a,b@three/field?sslmode=require&a=1',
    ],
    needsWritable: true,
  });
  t.equal(parsePostgresUrl('postgres://a,b/field').needsWritable, true, 'which is so without being said');
  t.equal(parsePostgresUrl('postgres://a,b/field?target_session_attrs=any').needsWritable, false);
});

t.test('one host can be required to accept writes, for names that lead to several servers', async (t) => {
  t.same(parsePostgresUrl('postgres://field@db/field?target_session_attrs=read-write'), {
    hosts: ['postgres://field@db/field'],
    needsWritable: true,
  });
});

t.test('hosts that only read are refused, and so are empty ones and bad ports', async (t) => {
  t.match(
    describeUnusableHosts('postgres://a,b/field?target_session_attrs=standby'),
    /must be read-write, primary or any/,
  );
  t.match(describeUnusableHosts('postgres://a,/field'), /a host is empty/);
  for (const host of ['a:port', 'a:70000', '[::1]:x', 'a:5432,b:-1']) {
    t.match(describeUnusableHosts(`postgres://${host}/field`), /a port must be a number up to 65535/, host);
  }
  for (const host of ['a,b', 'a:5432', '[::1]', '[::1]:5433', 'a:']) {
    t.equal(describeUnusableHosts(`postgres://user:pass@${host}/field`), undefined, host);
  }
});

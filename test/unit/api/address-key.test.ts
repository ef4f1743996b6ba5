import t from 'tap';
import { addressKey } from '../../../api/rate-limits/address-key.ts';

t.test('an IPv4 address is one address, also when it is mapped into IPv6', async (t) => {
  t.equal(addressKey('192.0.2.1'), '192.0.2.1');
  t.equal(addressKey('::ffff:192.0.2.1'), '192.0.2.1');
  t.equal(addressKey('::FFFF:192.0.2.1'), '192.0.2.1');
});

t.test('the addresses of one IPv6 network of 64 bits are one address, in every spelling', async (t) => {
  const spellings = [
    '2001:db8:1:2::1',
    '2001:0DB8:1:2:ffff:ffff:ffff:ffff',
    '2001:db8:1:2::',
    '2001:db8:1:2:3:4:192.0.2.1',
  ];
  for (const address of spellings) t.equal(addressKey(address), '2001:db8:1:2::/64', address);
  t.equal(addressKey('2001:db8:1::9'), '2001:db8:1:0::/64');
  t.equal(addressKey('2001:db8::1:2:3:4:5'), '2001:db8:0:1::/64');
  t.not(addressKey('2001:db8:1:3::1'), addressKey('2001:db8:1:2::1'));
  t.equal(addressKey('fe80::1%eth0'), 'fe80:0:0:0::/64');
  t.equal(addressKey('::1'), '0:0:0:0::/64');
});

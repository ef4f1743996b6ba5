import t from 'tap';
import { KeepAlive } from '../../../api/streaming/transports/keep-alive.ts';

t.test('a peer that sends nothing is pinged, and terminated if it does not answer', async (t) => {
  const connection = new KeepAlive(20, 0);
  t.equal(connection.next(19), 'nothing');
  t.equal(connection.next(20), 'ping');
  connection.sent(30);
  t.equal(connection.next(39), 'nothing');
  t.equal(connection.next(40), 'terminate');
});

t.test('a peer that answers is pinged again', async (t) => {
  const connection = new KeepAlive(20, 0);
  t.equal(connection.next(20), 'ping');
  connection.heard(21);
  t.equal(connection.next(39), 'nothing');
  t.equal(connection.next(40), 'ping');
});

t.test('while both sides send something, there are no pings', async (t) => {
  const connection = new KeepAlive(20, 0);
  for (let now = 15; now < 200; now += 15) {
    connection.heard(now);
    connection.sent(now);
    t.equal(connection.next(now + 14), 'nothing');
  }
});

t.test('a peer to which nothing is sent is pinged although it sends something', async (t) => {
  const connection = new KeepAlive(20, 0);
  connection.heard(15);
  t.equal(connection.next(20), 'ping');
  connection.heard(30);
  t.equal(connection.next(39), 'nothing');
  t.equal(connection.next(40), 'ping');
});

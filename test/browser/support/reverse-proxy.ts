/** A small reverse proxy, as installations have one: it serves the API below a path, which it takes off, and passes upgrades on. */
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

interface ProxyOptions {
  readonly target: string;
  /** Such as `/below/here`; empty for none. */
  readonly prefix?: string;
  /** Changes the text of an answer. */
  readonly rewrite?: (path: string, text: string) => string;
}

export interface ReverseProxy {
  /** With the prefix. */
  readonly address: string;
  /** The paths of requests that were not below the prefix. */
  readonly strays: readonly string[];
}

export async function withReverseProxy(t: Test, { target, prefix = '', rewrite }: ProxyOptions): Promise<ReverseProxy> {
  const strays: string[] = [];
  const { hostname, port } = new URL(target);
  const pass = (incoming: IncomingMessage) => {
    const path = incoming.url ?? '/';
    if (!path.startsWith(`${prefix}/`)) {
      strays.push(path);
      return undefined;
    }
    const forwarded: OutgoingHttpHeaders = {
      'x-forwarded-for': incoming.socket.remoteAddress ?? '',
      'x-forwarded-prefix': prefix,
    };
    const headers = { ...incoming.headers, ...forwarded, ...(rewrite ? { 'accept-encoding': 'identity' } : {}) };
    return send({ hostname, port, method: incoming.method, path: path.slice(prefix.length), headers });
  };
  const server = createServer((incoming, outgoing) => {
    const passed = pass(incoming);
    if (!passed) return void outgoing.writeHead(404).end();
    passed.on('response', (answer) => {
      const { statusCode = 502, headers } = answer;
      if (!rewrite || !/javascript|html/.test(headers['content-type'] ?? '')) {
        // Not the parsed ones, which have several lines of one header as one.
        outgoing.writeHead(statusCode, answer.rawHeaders);
        return void answer.pipe(outgoing);
      }
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const text = rewrite(incoming.url ?? '', Buffer.concat(chunks).toString());
        const { 'content-length': _length, etag: _etag, ...others } = headers;
        outgoing.writeHead(statusCode, others).end(text);
      });
    });
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  });
  server.on('upgrade', (incoming, socket, head) => {
    const passed = pass(incoming);
    if (!passed) return void socket.destroy();
    passed.on('upgrade', (answer, upstream, rest) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
      upstream.write(head);
      socket.write(rest);
      upstream.pipe(socket).pipe(upstream);
      for (const side of [upstream, socket]) side.on('error', () => [upstream, socket].map((other) => other.destroy()));
    });
    passed.on('error', () => socket.destroy());
    passed.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`, strays };
}

/** A file of the live page that may change with the next release or edit, so browsers revalidate it every time. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../../shared/config/config.ts';
import { acceptsGzip } from '../http/accepts-gzip.ts';
import { matchesEtag } from '../http/etag.ts';
import { createPageHeaders } from '../plugins/security-headers.ts';

export interface PageFile {
  /** As in `content-type`. */
  readonly type: string;
  readonly etag: string;
  readonly body: Buffer;
  readonly gzipped: Buffer;
  /** Further headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;
}

export function createPageFile(type: string, body: Buffer, headers = createPageHeaders()): PageFile {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  return { type, etag, body, gzipped: gzipSync(body), headers };
}

/** @param markup as in `page/index.html` */
export function createMarkupFile(markup: string, { GRID_SIZE }: Pick<Config, 'GRID_SIZE'>): PageFile {
  const styles = [...markup.matchAll(/<style>(.*?)<\/style>/gs)].map(([, style = '']) => style);
  const hashes = styles.map((style) => `sha256-${createHash('sha256').update(style).digest('base64')}`);
  const body = Buffer.from(markup.replaceAll('%GRID_SIZE%', String(GRID_SIZE)));
  return createPageFile('text/html; charset=utf-8', body, createPageHeaders(hashes));
}

/**
 * @param worker as `bundlePage` makes it
 * @param isNetworkFirst whether a reload shows an edit of the page at once; otherwise the page that is stored in the browser is shown first
 */
export function createWorkerFile(worker: string, { etag }: PageFile, isNetworkFirst = false): PageFile {
  const text = worker
    .replaceAll('%VERSION%', etag.slice(1, -1))
    .replaceAll('%MODE%', isNetworkFirst ? 'network-first' : 'cache-first');
  return createPageFile('text/javascript; charset=utf-8', Buffer.from(text));
}

export function sendPageFile(request: FastifyRequest, reply: FastifyReply, file: PageFile): FastifyReply {
  reply
    .headers(file.headers)
    .header('etag', file.etag)
    .header('cache-control', 'no-cache')
    .header('vary', 'accept-encoding');
  if (matchesEtag(request.headers['if-none-match'], file.etag)) return reply.code(304).send();
  reply.type(file.type);
  if (!acceptsGzip(request)) return reply.send(file.body);
  return reply.header('content-encoding', 'gzip').send(file.gzipped);
}

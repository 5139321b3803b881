import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { Readable, Writable } from 'node:stream';
import { buffer, json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { sleep } from './cases.ts';
import type { NodeConsumer } from './consumer.ts';
import { digestOf } from './digests.ts';
import { listen } from './servers.ts';

/** Collects what is piped into it. */
class Sink extends Writable {
  readonly chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.chunks.push(chunk);
    // Now and then it is slow, so that what pipes into it has to wait.
    if (this.chunks.length % 8 === 0) setImmediate(done);
    else done();
  }
}

function ended(req: IncomingMessage): Promise<void> {
  return new Promise((resolve, reject) => req.on('error', reject).on('end', resolve));
}

async function iterated(req: AsyncIterable<Uint8Array>): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of req) chunks.push(chunk);
  return digestOf(Buffer.concat(chunks));
}

/** Fields that say how the body is framed, and what it is. */
const passedOn = ['content-type', 'content-length', 'transfer-encoding'] as const;

/** Passes the request on to a server behind this one, which says what reached it. */
async function proxied(req: IncomingMessage): Promise<unknown> {
  const behind = await listen(async (inner, answer) => {
    const { 'content-length': length = null, 'transfer-encoding': encoding = null } = inner.headers;
    const body = await buffer(inner).catch((error: Error) => Buffer.from(error.message));
    answer.end(JSON.stringify({ length, encoding, body: digestOf(body) }));
  });
  try {
    const headers = passedOn.flatMap((name) => {
      const value = req.headers[name];
      return value === undefined ? [] : [[name, value]];
    });
    const outgoing = request(behind.origin, { method: 'POST', headers: Object.fromEntries(headers) });
    const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
    const [[answer]] = await Promise.all([answered, pipedInto(req, outgoing)]);
    return await json(answer);
  } finally {
    await behind.close();
  }
}

/** As proxies do it: with `pipe`, and an end to both if one fails. */
function pipedInto(req: IncomingMessage, outgoing: ClientRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    req.on('error', (error) => {
      outgoing.destroy(error);
      reject(error);
    });
    req.on('aborted', () => outgoing.destroy(new Error('aborted')));
    outgoing.on('finish', resolve).on('error', reject);
    req.pipe(outgoing);
  });
}

/** The ways that Node itself has to read a request. */
export const streamConsumers: readonly NodeConsumer[] = [
  {
    kind: 'any',
    name: "on('data')",
    body: 'bytes',
    async read(req) {
      const chunks: Buffer[] = [];
      req.on('data', (chunk) => chunks.push(chunk));
      await ended(req);
      return digestOf(Buffer.concat(chunks));
    },
  },
  {
    kind: 'any',
    name: "on('readable')",
    body: 'bytes',
    async read(req) {
      const chunks: Buffer[] = [];
      req.on('readable', () => {
        for (let chunk = req.read(); chunk !== null; chunk = req.read()) chunks.push(chunk);
      });
      await ended(req);
      return digestOf(Buffer.concat(chunks));
    },
  },
  {
    kind: 'any',
    name: 'for await at once',
    body: 'bytes',
    read: (req) => iterated(req),
  },
  {
    kind: 'any',
    name: 'for await late',
    body: 'bytes',
    async read(req) {
      await sleep(20);
      return iterated(req);
    },
  },
  {
    kind: 'any',
    name: 'pipe',
    body: 'bytes',
    async read(req) {
      const sink = new Sink();
      const failed = new Promise<never>((_, reject) => req.on('error', reject));
      await Promise.race([once(req.pipe(sink), 'finish'), failed]);
      return digestOf(Buffer.concat(sink.chunks));
    },
  },
  {
    kind: 'any',
    name: 'pipe into the response',
    body: 'bytes',
    echoes: true,
    async read(req, res) {
      res.setHeader('content-type', 'application/octet-stream');
      req.pipe(res);
    },
  },
  {
    kind: 'any',
    name: 'pipeline',
    body: 'bytes',
    async read(req) {
      const sink = new Sink();
      await pipeline(req, sink);
      return digestOf(Buffer.concat(sink.chunks));
    },
  },
  {
    kind: 'any',
    name: 'Readable.toWeb',
    body: 'bytes',
    read: (req) => iterated(Readable.toWeb(req) as AsyncIterable<Uint8Array>),
  },
  {
    kind: 'any',
    name: 'stream/consumers buffer',
    body: 'bytes',
    read: async (req) => digestOf(await buffer(req)),
  },
  {
    kind: 'any',
    name: 'stream/consumers json',
    body: 'json',
    read: async (req) => digestOf(await json(req)),
  },
  {
    kind: 'any',
    name: 'setEncoding',
    body: 'text',
    async read(req) {
      const chunks: string[] = [];
      req.setEncoding('utf8');
      req.on('data', (chunk) => chunks.push(chunk));
      await ended(req);
      return digestOf(chunks.join(''));
    },
  },
  {
    kind: 'any',
    name: 'pause and resume',
    body: 'bytes',
    async read(req) {
      const chunks: Buffer[] = [];
      req.on('data', (chunk) => {
        chunks.push(chunk);
        req.pause();
        setImmediate(() => req.resume());
      });
      await ended(req);
      return digestOf(Buffer.concat(chunks));
    },
  },
  { kind: 'any', name: 'a proxy', body: 'bytes', read: proxied },
  {
    kind: 'any',
    name: 'a handler that reads nothing',
    body: 'bytes',
    leaves: 'every body',
    read: async () => digestOf(undefined),
  },
];

// 64 MiB for a consumer that takes its time: the client waits, what the server keeps stays small, and all of it arrives.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import multer from 'multer';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { Caller } from './support/caller.ts';
import { deferred, it, sleep } from './support/cases.ts';
import { watch } from './support/left-behind.ts';
import { afterwards } from './support/resources.ts';
import { type StackServer, stacks, startStack } from './support/stacks.ts';

const size = 64 * 1024 * 1024;
const boundary = 'the-boundary';
const beforeFile = `--${boundary}\r\nContent-Disposition: form-data; name="f"; filename="f.bin"\r\n\r\n`;
const file = pattern(size);
const body = Buffer.concat([Buffer.from(beforeFile), file, Buffer.from(`\r\n--${boundary}--\r\n`)]);
const fields: [string, string][] = [['content-type', `multipart/form-data; boundary=${boundary}`]];
/** Buffers of Node and of this process's sockets: not a part of the body's length. */
const inBetween = 2_000_000;
const nap = 8_000_000;

/** Compares what a consumer got with what was sent, and stops it every few megabytes. */
class Taken {
  length = 0;
  same = true;
  /** Largest number of bytes that the process had read and the consumer had not got. */
  most = 0;
  #rested = 0;
  readonly #read: () => number;

  constructor(read: () => number) {
    this.#read = read;
  }

  /** Returns true if it is time to rest. */
  take(chunk: Buffer): boolean {
    this.most = Math.max(this.most, this.#read() - this.length);
    this.same &&= chunk.equals(body.subarray(this.length, this.length + chunk.length));
    this.length += chunk.length;
    if (this.length < this.#rested + nap) return false;
    this.#rested = this.length;
    return true;
  }
}

type Consumer = (req: IncomingMessage, taken: Taken, res: ServerResponse) => Promise<void>;

const consumers: Record<string, Consumer> = {
  "on('data') that pauses": (req, taken) =>
    new Promise((resolve, reject) => {
      req.on('data', (chunk: Buffer) => {
        if (!taken.take(chunk)) return;
        req.pause();
        setTimeout(() => req.resume(), 5);
      });
      req.on('end', resolve).on('error', reject);
    }),
  'for await': async (req, taken) => {
    for await (const chunk of req) if (taken.take(chunk)) await sleep(5);
  },
  'pipe to a slow Writable': (req, taken) =>
    new Promise((resolve, reject) => {
      const slow = new Writable({
        write(chunk, _encoding, done) {
          if (taken.take(chunk)) setTimeout(done, 5);
          else done();
        },
      });
      req.on('error', reject).pipe(slow).on('finish', resolve);
    }),
  'multer on disk': async (req, taken, res) => {
    const dest = await mkdtemp(join(tmpdir(), 'sealwire-'));
    afterwards(() => rm(dest, { recursive: true }));
    const upload = multer({ dest }).single('f') as unknown as (
      ...args: [IncomingMessage, ServerResponse, (error?: unknown) => void]
    ) => void;
    await new Promise<void>((resolve, reject) => {
      upload(req, res, (error) => (error === undefined ? resolve() : reject(error)));
    });
    const { path } = (req as unknown as { file: Express.Multer.File }).file;
    taken.length = body.length;
    taken.same = (await readFile(path)).equals(file);
  },
};

/** Bytes that the server has read from the sockets that are open. */
function bytesRead({ sockets }: StackServer): number {
  return [...sockets].reduce((sum, socket) => sum + socket.bytesRead, 0);
}

const names = Object.keys(consumers);
/** Two consumers on each stack, each of them over both protocols: 64 MiB on all of them would take too long. */
const cases = stacks.flatMap((stack, index) =>
  [index, index + 1].map((each) => ({ stack, name: names[each % names.length] as string })),
);

for (const { stack, name } of cases) {
  it(`64 MiB wait for ${name} (${stack.name})`, async () => {
    const nothingIsLeft = watch();
    const begun = deferred();
    const go = deferred();
    let before = 0;
    const taken = new Taken(() => bytesRead(server) - before);
    const listener = async (req: IncomingMessage, res: ServerResponse) => {
      begun.resolve();
      await go.promise;
      await (consumers[name] as Consumer)(req, taken, res);
      res.end(String(taken.length));
    };
    const server = await startStack(stack, { listener });
    const caller = await Caller.connect(stack, server);
    const request = await caller.prepare({ body, fields });
    before = bytesRead(server);
    const call = await request.begin();
    let sent = false;
    const sending = call.write(request.bytes).then(() => {
      sent = true;
      return call.end();
    });
    await begun.promise;
    await sleep(100);
    assert.is(sent, false);
    assert.ok(bytesRead(server) - before < inBetween, `${bytesRead(server) - before} bytes were read`);
    go.resolve();
    await sending;
    const learned = await request.learn(await call.answer);
    assert.equal([learned.status, learned.body, learned.complete], [200, String(body.length), true]);
    assert.ok(taken.same);
    assert.ok(taken.most < inBetween, `${taken.most} bytes were kept`);
    await caller.line.close();
    await nothingIsLeft(server);
  });
}

test.run();

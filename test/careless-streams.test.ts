// Handlers that do nothing about a failed body, on every server: none takes it for whole, and each client hears of it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { flipped, pattern } from './support/bytes.ts';
import { Caller, type Learned } from './support/caller.ts';
import { it } from './support/cases.ts';
import { watch } from './support/left-behind.ts';
import { type Stack, stacks, startStack } from './support/stacks.ts';

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

/** Handlers that answer once they have the whole body, and do not care for anything else. */
const hasty: Record<string, Handler> = {
  'waits for the end without listening to errors': (req, res) => {
    req.on('data', () => {}).on('end', () => res.end('whole'));
  },
  'reads on while there is something readable': (req, res) => {
    req.on('readable', () => {
      while (req.read() !== null);
    });
    req.on('end', () => res.end('whole'));
  },
  'throws bytes away until the end': (req, res) => {
    req.resume().once('end', () => res.end('whole'));
  },
  'answers before the end': (req, res) => {
    res.write('begun, ');
    req.on('data', () => {}).on('end', () => res.end('whole'));
  },
};

/** Those that hear of errors, and do nothing about them: plain HTTP has no client left by then. */
const deaf: Record<string, Handler> = {
  'listens to errors and does nothing': (req, res) => {
    req
      .on('error', () => {})
      .on('data', () => {})
      .on('end', () => res.end('whole'));
  },
  'listens to errors while its answer is under way': (req, res) => {
    req.on('error', () => {});
    res.write('begun, ');
    req.pipe(res, { end: false });
    req.on('end', () => res.end('whole'));
  },
};

const body = pattern(300_000);

/** Ways to damage a message after its first record. */
const damages: Record<string, (bytes: Buffer, edges: readonly number[]) => Buffer> = {
  'altered in the middle': (bytes, edges) => flipped(bytes, 8 * ((edges.at(-3) as number) + 50)),
  'altered in its last byte': (bytes) => flipped(bytes, 8 * bytes.length - 1),
  'cut before its final record': (bytes, edges) => bytes.subarray(0, edges.at(-2)),
};

async function startHandling(stack: Stack, handler: Handler) {
  const server = await startStack(stack, { listener: handler });
  const caller = await Caller.connect(stack, server);
  const whole = async () => {
    const learned = await caller.ask({ body });
    assert.ok(learned.complete && learned.body.endsWith('whole'), learned.body.slice(0, 200));
  };
  await whole();
  return { server, caller, whole };
}

function assertRefused({ status, body: answer, complete }: Learned, what: string): void {
  assert.not.ok(complete && answer.includes('whole'), what);
  if (complete) assert.equal([status, JSON.parse(answer).code], [400, 'rejected'], what);
}

for (const stack of stacks) {
  for (const [name, handler] of Object.entries(hasty)) {
    it(`a handler that ${name} never sees the end of a damaged body (${stack.name})`, async () => {
      const nothingIsLeft = watch();
      const { server, caller, whole } = await startHandling(stack, handler);
      for (const [what, damage] of Object.entries(damages)) {
        // With the length of what is sent, and without any.
        for (const length of [undefined, null]) {
          const { bytes, edges, send } = await caller.prepare({ body });
          assertRefused(await send(damage(bytes, edges), length), what);
        }
        await whole();
      }
      await caller.line.close();
      await nothingIsLeft(server);
    });
  }
}

for (const stack of stacks) {
  it(`what a request was piped into hears of a damaged body if nobody else does (${stack.name})`, async () => {
    const nothingIsLeft = watch();
    const { server, caller, whole } = await startHandling(stack, (req, res) => {
      const disk = new Writable({ write: (_chunk, _encoding, done) => done() });
      disk.on('finish', () => res.end('whole'));
      disk.on('error', (error: Error & { code?: string }) => {
        res.statusCode = 422;
        res.end(error.code);
      });
      req.pipe(disk);
    });
    for (const damage of Object.values(damages)) {
      const { bytes, edges, send } = await caller.prepare({ body });
      const { status, body: answer, complete } = await send(damage(bytes, edges));
      assert.equal([status, answer, complete], [422, 'rejected', true]);
      await whole();
    }
    await caller.line.close();
    await nothingIsLeft(server);
  });
}

it('a handler that hears of a damaged body and does not answer is answered for', async () => {
  const nothingIsLeft = watch();
  const cases = stacks.flatMap((stack) =>
    Object.entries(deaf).map(([name, handler]) => ({ stack, name, handler })),
  );
  const servers = cases.map(async ({ stack, name, handler }) => {
    const { server, caller, whole } = await startHandling(stack, handler);
    const { bytes, edges, send } = await caller.prepare({ body });
    const damage = damages['altered in the middle'] as (typeof damages)[string];
    assertRefused(await send(damage(bytes, edges)), `${name}, ${stack.name}`);
    await whole();
    await caller.line.close();
    return server;
  });
  await nothingIsLeft(...(await Promise.all(servers)));
});

test.run();

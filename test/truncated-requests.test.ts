// A request cut short is complete for nobody: parsers answer 4xx, streams fail, and who ignores failures sees no end.
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { Application, Request } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { type Express, onExpress } from './support/cases.ts';
import { assertProblem } from './support/problems.ts';
import { RawConnection, type RawResponse } from './support/raw-http.ts';
import { startSealed } from './support/servers.ts';
import { WireClient, type WireMessage } from './support/wire-client.ts';
import { recordEdges } from './support/wire-message.ts';

/** Ways to take a body; each resolves when it believes to have the whole, and throws when it knows that it does not. */
const consumers: Record<string, (req: Request) => Promise<unknown>> = {
  events: (req) =>
    new Promise((resolve, reject) => {
      req
        .on('data', () => {})
        .on('end', resolve)
        .on('error', reject);
    }),
  iteration: async (req) => {
    for await (const _ of req);
  },
  pipeline: (req) => pipeline(req, sink()),
  text: (req) => text(req),
};

function sink(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

interface Seen {
  started: number;
  complete: number;
  failed: number;
}

function routes(seen: Seen) {
  return (app: Application, express: Express) => {
    for (const [name, consume] of Object.entries(consumers)) {
      app.post(`/${name}`, (req, res) => {
        seen.started++;
        consume(req).then(
          () => {
            seen.complete++;
            res.end('whole');
          },
          (error) => {
            seen.failed++;
            res.status(error.status ?? 500).end(String(error.code));
          },
        );
      });
    }
    app.post('/parsed', express.raw({ type: () => true, limit: '1mb' }), (_req, res) => {
      seen.complete++;
      res.end('whole');
    });
    app.post('/ignoring', (req, res) => {
      seen.started++;
      req
        .on('data', () => {})
        .on('end', () => {
          seen.complete++;
          res.end('whole');
        });
    });
  };
}

/** Where a message of several records is cut: at its edges, and around and between them. */
function cuts(message: Uint8Array): number[] {
  const edges = recordEdges(message);
  const between = edges.slice(0, -1).flatMap((edge) => [edge + 2, edge + 4, edge + 500]);
  const last = edges.at(-1) as number;
  return [0, 1, 31, ...edges, ...between, last - 17, last - 1]
    .filter((cut) => cut < last)
    .sort((a, b) => a - b);
}

/** Sends the first bytes of a message and ends them in one of three ways. */
const endings: Record<
  string,
  (wire: WireClient, message: WireMessage, body: Uint8Array) => Promise<RawResponse | undefined>
> = {
  'a clean end of the chunks': (wire, message, body) => wire.send(message, { body, framing: 'chunked' }),
  'a Content-Length that fits': (wire, message, body) => wire.send(message, { body }),
  'a lost connection': async (wire, message, body) => {
    const connection = await RawConnection.open(wire.port);
    const headers: [string, string][] = [['Content-Length', String(message.message.length)]];
    await wire.write(message, { connection, body, headers });
    // What the application was going to answer has nowhere to go.
    await new Promise((resolve) => setTimeout(resolve, 2));
    connection.socket.destroy();
    return undefined;
  },
};

for (const [ending, send] of Object.entries(endings)) {
  onExpress(`no consumer takes a streamed body for whole after ${ending}`, async (express) => {
    const seen = { started: 0, complete: 0, failed: 0 };
    const server = await startSealed(express, routes(seen));
    const wire = await WireClient.connect(server);
    for (const path of [...Object.keys(consumers), 'parsed', 'ignoring']) {
      const request = { path: `/${path}`, body: pattern(150_000) };
      assert.is((await wire.exchange(request)).body.toString(), 'whole', path);
      seen.complete = 0;
      for (const cut of cuts((await wire.seal(request)).message)) {
        const message = await wire.seal(request);
        const response = await send(wire, message, message.message.subarray(0, cut));
        if (response !== undefined) assert.is(response.status, 400, `${path}, cut at ${cut}`);
      }
      if (ending === 'a lost connection') await new Promise((resolve) => setTimeout(resolve, 20));
      assert.is(seen.complete, 0, path);
    }
    assert.is(seen.failed > 0, true);
  });
}

onExpress('a small body cut short reaches no handler at all', async (express) => {
  const seen = { started: 0, complete: 0, failed: 0 };
  const server = await startSealed(express, routes(seen));
  const wire = await WireClient.connect(server);
  const request = { path: '/events', body: 'a small body of two records', shares: [10, 17] };
  assert.is((await wire.exchange(request)).body.toString(), 'whole');
  assert.is(seen.started, 1);
  const [, first = 0] = recordEdges((await wire.seal(request)).message);
  for (const framing of ['length', 'chunked'] as const) {
    const { length } = (await wire.seal(request)).message;
    for (let cut = 0; cut < length; cut++) {
      const message = await wire.seal(request);
      const body = message.message.subarray(0, cut);
      const response = await wire.send(message, { body, framing });
      if (cut < first) assertProblem(response, 'rejected');
      else assert.is((await wire.open(message, response)).status, 400);
    }
  }
  assert.equal(seen, { started: 1, complete: 1, failed: 0 });
});

onExpress('the error that consumers get is a SealwireError that says 400', async (express) => {
  const errors: unknown[] = [];
  const server = await startSealed(express, (app) => {
    app.post('/', (req, res) => {
      req.resume().on('error', (error) => {
        errors.push(error);
        res.status(422).end();
      });
    });
  });
  const wire = await WireClient.connect(server);
  const message = await wire.seal({ body: pattern(100_000) });
  const answer = await wire.open(
    message,
    await wire.send(message, { body: message.message.subarray(0, 70_000) }),
  );
  assert.is(answer.status, 422);
  const [error] = errors as { code: string; status: number; message: string }[];
  assert.is(errors.length, 1);
  assert.equal([error?.code, error?.status], ['rejected', 400]);
});

onExpress('bytes behind the final record are refused', async (express) => {
  const seen = { started: 0, complete: 0, failed: 0 };
  const server = await startSealed(express, routes(seen));
  const wire = await WireClient.connect(server);
  for (const size of [10, 150_000]) {
    const request = { path: '/parsed', body: pattern(size) };
    assert.is((await wire.exchange(request)).body.toString(), 'whole');
    for (const extra of [Buffer.alloc(1), (await wire.seal(request)).message]) {
      const before = seen.complete;
      const message = await wire.seal(request);
      const response = await wire.send(message, { body: Buffer.concat([message.message, extra]) });
      assert.is(response.status, 400);
      assert.is(seen.complete, before);
    }
  }
});

test.run();

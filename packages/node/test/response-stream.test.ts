// The response is the writable stream that it was: callbacks, events, back-pressure, and what comes too late.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from '../../../test/support/bytes.ts';
import { Arrivals, deferred, it, within } from '../../../test/support/cases.ts';
import { clientOf } from '../../../test/support/clients.ts';
import { type Http2Listener, startHttp2 } from '../../../test/support/http2-server.ts';
import { startSealedNode } from '../../../test/support/servers.ts';
import { startNodeTwins } from '../../../test/support/twins.ts';
import { WireClient } from '../../../test/support/wire-client.ts';

type Story = (res: ServerResponse, log: (entry: unknown) => void, req: IncomingMessage) => unknown;

/** Runs each story on both twins; what it logs until the response is over has to be equal, and so has the answer. */
async function alike(stories: Record<string, Story>): Promise<void> {
  const logs = { plain: new Arrivals<unknown[]>(), sealed: new Arrivals<unknown[]>() };
  const twins = await startNodeTwins((req, res) => {
    const logsOfTwin = 'sealed' in req ? logs.sealed : logs.plain;
    const log: unknown[] = [];
    const note = (entry: unknown) => log.push(entry);
    for (const event of ['finish', 'close', 'error']) {
      res.on(event, (error) => note(error === undefined ? event : [event, error.code]));
    }
    res.on('close', () => setImmediate(() => logsOfTwin.push(log)));
    const story = stories[decodeURIComponent((req.url as string).slice(1))] as Story;
    story(res, note, req);
  });
  for (const name of Object.keys(stories)) {
    const { plain, sealed } = await twins.ask(`/${encodeURIComponent(name)}`);
    assert.equal(sealed, plain, name);
    assert.equal(await logs.sealed.next(), await logs.plain.next(), `what happened in ${name}`);
  }
}

it('callbacks and events come in the order of Node', () =>
  alike({
    'end with a callback': (res, log) => res.end('a', () => log('ended')),
    'end with an encoding and a callback': (res, log) => res.end('YQ==', 'base64', () => log('ended')),
    'end with a callback alone': (res, log) => res.end(() => log('ended')),
    'end of nothing with a callback': (res, log) => res.end(undefined, () => log('ended')),
    'writes with callbacks': (res, log) => {
      log(res.write('a', () => log('a')));
      log(res.write('Yg==', 'base64', () => log('b')));
      log(res.write('', () => log('empty')));
      log(res.write(Buffer.from('c'), () => log('c')));
      res.end('d', () => log('ended'));
    },
    'a body where none is allowed': (res, log) => {
      res.statusCode = 204;
      log(res.write('a', () => log('a')));
      res.end('b', () => log('ended'));
    },
    'end, then questions': (res, log) => {
      res.end('a');
      log([res.writableEnded, res.writableFinished, res.headersSent, res.finished]);
    },
    'corked writes': (res, log) => {
      res.cork();
      log([res.write('a'), res.write('b')]);
      res.uncork();
      res.end('c');
    },
  }));

it('what comes too late gets the errors of Node', () =>
  alike({
    'end twice': (res, log) => {
      res.end('a');
      log(res.end() === res);
      res.end('b', (error?: Error & { code?: string }) => log(error?.code));
      res.end((error?: Error & { code?: string }) => log(error?.code));
    },
    'write after end': (res, log) => {
      res.end('a');
      log(res.write('b', (error) => log((error as { code?: string } | undefined)?.code)));
    },
    'end after it finished': (res, log) => {
      res.on('finish', () => {
        res.end((error?: Error & { code?: string }) => log(error?.code));
        res.end('more', (error?: Error & { code?: string }) => log(error?.code));
      });
      res.end('a');
    },
    'end in the callback of end': (res, log) => {
      res.end('a', () => res.end((error?: Error & { code?: string }) => log(error?.code)));
    },
  }));

it('nothing of Sealwire listens to request or response longer than it has to', () =>
  alike({
    'listeners of the response': (res, log) => {
      log(
        res
          .eventNames()
          .map((event) => [String(event), res.listenerCount(event)])
          .filter(([event]) => event !== 'finish'),
      );
      res.end('a');
    },
    'listeners of the request': (res, log, req) => {
      log(req.eventNames().map((event) => [String(event), req.listenerCount(event)]));
      res.end('a');
    },
  }));

it('a request with a body, held for a moment, has no listener left of the holding', async () => {
  const seen: number[] = [];
  const server = await startSealedNode((req, res) => {
    seen.push(req.listenerCount('aborted'));
    req.pipe(res);
  });
  const sealedFetch = clientOf(server);
  const gate = deferred();
  const slow = new ReadableStream({
    async start(controller) {
      for (let i = 0; i < 30; i++) {
        controller.enqueue(Buffer.from('piece'));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      controller.close();
      gate.resolve();
    },
  });
  await sealedFetch('/', { method: 'POST', body: 'whole' });
  const response = await sealedFetch('/', { method: 'POST', body: slow, duplex: 'half' });
  assert.is(await response.text(), 'piece'.repeat(30));
  assert.equal(seen, [0, 0]);
});

it('a slow reader makes write say false, and drain comes when it has read', async () => {
  const written = new Arrivals<boolean>();
  const drained = deferred();
  const chunk = pattern(64 * 1024);
  const server = await startSealedNode((_req, res) => {
    let accepted = true;
    for (let i = 0; i < 1000 && accepted; i++) accepted = res.write(chunk);
    written.push(accepted);
    assert.is(res.writableNeedDrain, !accepted);
    res.on('drain', () => {
      drained.resolve();
      res.end('end');
    });
  });
  const response = await clientOf(server)('/');
  assert.is(await written.next(), false);
  const bytes = Buffer.from(await within(response.arrayBuffer(), 'the whole body'));
  await within(drained.promise, 'drain');
  assert.is(bytes.subarray(-3).toString(), 'end');
  for (let at = 0; at < bytes.length - 3; at += chunk.length)
    assert.ok(bytes.subarray(at, at + chunk.length).equals(chunk));
});

it('whatever Node lets a handler write goes out sealed, bytes of another realm or another kind too', async () => {
  const secret = Buffer.from('a sealed text');
  const foreign = runInNewContext('(bytes) => new Uint8Array(bytes)')([...secret]) as Uint8Array;
  assert.not(foreign instanceof Uint8Array);
  const view = new DataView(secret.buffer, secret.byteOffset, secret.length);
  const answers: Record<string, (res: ServerResponse) => unknown> = {
    '/write': (res) => res.write(foreign) && res.end(),
    '/end': (res) => res.end(foreign),
    '/view': (res) => res.end(view),
  };
  const answer = (req: IncomingMessage, res: ServerResponse) => answers[req.url as string]?.(res);
  const wire = await WireClient.connect(await startSealedNode(answer));
  const http2 = await startHttp2(answer as unknown as Http2Listener);
  for (const path of ['/write', '/end']) {
    const message = await wire.seal({ path });
    const response = await wire.send(message);
    assert.not(response.body.includes(secret));
    assert.ok((await wire.open(message, response)).body.equals(secret));
  }
  for (const path of Object.keys(answers)) {
    const { body, opened } = await http2.exchange({ method: 'GET', path });
    assert.not(body.includes(secret));
    assert.ok(opened?.body.equals(secret), path);
  }
});

it('destroy in the middle is an error for the client, and the server goes on', async () => {
  const closed = new Arrivals<boolean>();
  const server = await startSealedNode((req, res) => {
    res.on('close', () => closed.push(res.writableFinished));
    if (req.url === '/destroyed') res.write('half', () => res.destroy(new Error('on purpose')));
    else res.end('whole');
  });
  const sealedFetch = clientOf(server);
  assert.is(await (await sealedFetch('/')).text(), 'whole');
  assert.is(await closed.next(), true);
  const error = await sealedFetch('/destroyed')
    .then((response) => response.text())
    .catch((reason: unknown) => reason);
  assert.ok(error instanceof TypeError);
  assert.is(await closed.next(), false);
  assert.is(await (await sealedFetch('/')).text(), 'whole');
});

test.run();

// What a sealed agent opens, closes and leaves alone.
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { MemorySessionStore, StaticKeys } from '@sealwire/core';
import { sealwire } from '@sealwire/express';
import { isSealwireError, sealedAgent } from '@sealwire/testing';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Express, frameworks, it, within } from '../../../test/support/cases.ts';
import { certificate } from '../../../test/support/certificate.ts';
import { startChild } from '../../../test/support/child.ts';
import { afterwards } from '../../../test/support/resources.ts';

const express = frameworks[1]?.express as Express;
const keys = await StaticKeys.generate(['X25519']);

/** A sealed app that says what it sees; `paths` are those that arrived, those of Sealwire included. */
function makeApp(): { app: RequestListener; paths: string[] } {
  const paths: string[] = [];
  const app = express();
  app.use((req, _res, next) => {
    paths.push(req.path);
    next();
  });
  app.use(sealwire({ keys, store: new MemorySessionStore() }));
  app.get('/', (req, res) => {
    res
      .cookie('id', 'a', { secure: req.secure })
      .json({ n: req.sealed?.n, secure: req.secure, cookie: req.get('cookie') });
  });
  return { app, paths };
}

for (const name of ['answered', 'failed', 'timedOut', 'aborted', 'unused']) {
  it(`a process ends by itself after tests that were ${name}`, async () => {
    const child = startChild('tested-apps.ts', { TEST_CASE: name });
    assert.is(await within(child.ended, 'the end of the process', 15_000), 0);
    assert.match(child.output.stdout, /^passed$/m);
    assert.is(child.output.stderr, '');
  });
}

it('one handshake serves all requests of an agent', async () => {
  const { app, paths } = makeApp();
  const agent = sealedAgent(app);
  for (const n of [0, 1, 2]) {
    const { body } = await agent.get('/').expect(200);
    assert.is(body.n, n);
  }
  assert.is(paths.filter((path) => path.endsWith('/handshake')).length, 1);
});

it('a server that does not listen is opened for requests only', async () => {
  const server = createServer(makeApp().app);
  const agent = sealedAgent(server);
  assert.not.ok(server.listening);
  await agent.get('/').expect(200);
  assert.not.ok(server.listening);
  await agent.get('/').expect(200);
  assert.not.ok(server.listening);
});

it('a server that listens, on whatever address, is left open', async () => {
  for (const address of ['127.0.0.1', '0.0.0.0', '::']) {
    const server = createServer(makeApp().app);
    await listening(server, address);
    const agent = sealedAgent(server);
    await agent.get('/').expect(200);
    await agent.get('/').expect(200);
    assert.ok(server.listening);
    assert.is(await connections(server), 0);
  }
});

it('an https server is tested over https, with its own certificate', async () => {
  for (const listens of [false, true]) {
    const server = createHttpsServer(certificate, makeApp().app);
    if (listens) await listening(server, '127.0.0.1');
    const agent = sealedAgent(server);
    await agent.get('/').then(
      () => assert.unreachable('an unknown certificate was taken'),
      (error) => assert.match(error.message, /self.signed/),
    );
    const first = await agent.get('/').ca(certificate.cert).expect(200);
    assert.is(first.body.secure, true);
    // Secure cookies come back.
    const second = await agent.get('/').disableTLSCerts().expect(200);
    assert.is(second.body.cookie, 'id=a');
    assert.is(server.listening, listens);
  }
});

it('what is no app is refused at once', () => {
  for (const app of [{}, undefined, 'http://127.0.0.1:8080', { callback() {} }] as never[]) {
    assert.throws(
      () => sealedAgent(app),
      (error: unknown) => isSealwireError(error, 'invalid-option') && /app\.callback\(\)/.test(error.message),
    );
  }
});

async function listening(server: Server | HttpsServer, address: string): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  afterwards(() => server.close());
}

function connections(server: Server | HttpsServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}

test.run();

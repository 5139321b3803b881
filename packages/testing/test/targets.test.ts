// The host, the protocol and the origin that an app sees in a test.
import { MemorySessionStore } from '@sealwire/core';
import { isSealwireError, sealedAgent } from '@sealwire/testing';
import supertest from 'supertest';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { type StackApp, stacks } from '../../../test/support/stacks.ts';

const own = /^127\.0\.0\.1:[0-9]+$/;

/** Answers with host, hostname and protocol as the framework sees them. */
function seenBy({ proxies }: { proxies: boolean }): StackApp {
  return {
    express(app) {
      app.set('trust proxy', proxies);
      app.use((req, res) => {
        res.json({ host: req.get('host'), name: req.hostname, protocol: req.protocol });
      });
    },
    koa(app) {
      app.proxy = proxies;
      app.use((ctx) => {
        ctx.body = { host: ctx.get('host'), name: ctx.hostname, protocol: ctx.protocol };
      });
    },
  };
}

for (const stack of stacks.filter(({ http2, kind }) => !http2 && kind !== 'node')) {
  const plain = (app: StackApp) => supertest.agent(stack.listener(app, undefined, undefined));
  const sealed = (app: StackApp, origin?: string) =>
    sealedAgent(stack.listener(app, origin, new MemorySessionStore()));

  it(`the host of a test is the host that the app sees (${stack.name})`, async () => {
    for (const make of [plain, sealed]) {
      const agent = make(seenBy({ proxies: false }));
      const { body } = await agent.get('/').set('host', 'tea.example:8080').expect(200);
      assert.equal(body, { host: 'tea.example:8080', name: 'tea.example', protocol: 'http' });
      assert.match((await agent.get('/')).body.host, own);
      // No host at all, which Express's own tests say now and then.
      await agent.get('/').set('host', 'http://tea.example').expect(200);
    }
  });

  it(`an app behind proxies sees what they forward (${stack.name})`, async () => {
    for (const make of [plain, sealed]) {
      const { body } = await make(seenBy({ proxies: true }))
        .get('/')
        .set('x-forwarded-host', 'tea.example, inner.example')
        .set('x-forwarded-proto', 'https, http')
        .expect(200);
      assert.is(body.name, 'tea.example');
      assert.is(body.protocol, 'https');
    }
  });

  it(`an app that lists its origins is called by the first, or by the one that is named (${stack.name})`, async () => {
    const agent = sealed(seenBy({ proxies: false }), 'https://tea.example');
    for (const host of [undefined, 'tea.example']) {
      const { body } = await (host === undefined ? agent.get('/') : agent.get('/').set('host', host)).expect(
        200,
      );
      assert.equal(body, { host: 'tea.example', name: 'tea.example', protocol: 'http' });
    }
    const error = await agent
      .get('/')
      .set('host', 'coffee.example')
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    assert.ok(isSealwireError(error, 'target-mismatch'));
  });

  if (stack.kind === 'express') {
    it(`an app that trusts no proxy is not told what one forwards (${stack.name})`, async () => {
      for (const make of [plain, sealed]) {
        const { body } = await make(seenBy({ proxies: false }))
          .get('/')
          .set('host', 'tea.example')
          .set('x-forwarded-host', 'evil.example')
          .set('x-forwarded-proto', 'https')
          .expect(200);
        assert.equal(body, { host: 'tea.example', name: 'tea.example', protocol: 'http' });
      }
    });
  }
}

test.run();

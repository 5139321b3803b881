// What is wrong with the sealing of an app is the error of the test, typed, and no answer of the app.
import { type ErrorCode, generateSigner, StaticKeys, thumbprint } from '@sealwire/core';
import { sealwire } from '@sealwire/express';
import { isSealwireError, sealedAgent } from '@sealwire/testing';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Application, type Express, frameworks, it, onExpress } from '../../../test/support/cases.ts';
import { keys } from '../../../test/support/servers.ts';

const express5 = frameworks[1]?.express as Express;
const pin = keys.pins[0] as string;

function quiet(express: Express): Application {
  return express().set('env', 'test');
}

async function failsWith(code: ErrorCode, request: PromiseLike<unknown>, message = /./): Promise<void> {
  const error = await Promise.resolve(request).then(
    () => undefined,
    (reason) => reason,
  );
  assert.ok(isSealwireError(error, code), `${error} is not ${code}`);
  assert.match(error.message, message);
}

onExpress('an app without sealwire() is told so, and passes once it has it', async (express) => {
  const app = quiet(express);
  const routes = express.Router();
  const agent = sealedAgent(app);
  app.use((req, res, next) => routes(req, res, next));
  app.get('/', (req, res) => {
    res.json(req.sealed !== undefined);
  });
  await failsWith('configuration-unavailable', agent.get('/').expect(404), /Is sealwire\(\) mounted/);
  routes.use(sealwire({ keys, origins: ['https://tea.example'] }));
  await agent.get('/').expect(200, 'true');
});

onExpress('an answer that was not sealed is none', async (express) => {
  const app = quiet(express);
  app.get('/early', (_req, res) => {
    res.send('not sealed');
  });
  app.use(sealwire({ keys }));
  await failsWith('plaintext-answer', sealedAgent(app).get('/early').expect(200));
});

it('only an app with the pin is taken, where the test gives one', async () => {
  const app = quiet(express5).use(sealwire({ keys }));
  const other = await StaticKeys.generate(['X25519']);
  await failsWith('identity-mismatch', sealedAgent(app, { identity: other.pins }).get('/'));
  await sealedAgent(app, { identity: pin }).get('/').expect(404);
});

it('an app knows the client by its key', async () => {
  const app = quiet(express5).use(sealwire({ keys }));
  app.get('/', (req, res) => {
    res.json(req.sealed?.client ?? null);
  });
  const clientKey = await generateSigner('Ed25519');
  const client = await thumbprint(clientKey.alg, clientKey.pub);
  await sealedAgent(app, { clientKey }).get('/').expect(200, JSON.stringify(client));
  await sealedAgent(app).get('/').expect(200, 'null');
});

it('a gateway error that the app itself answers with is an answer', async () => {
  const app = quiet(express5).use(sealwire({ keys }));
  app.get('/', (_req, res) => {
    res.status(502).type('application/problem+json').set('sealwire', 'rejected').send({ code: 'rejected' });
  });
  await sealedAgent(app)
    .get('/')
    .expect(502)
    .expect('content-type', /problem/);
});

it('requests that no client can seal are named', async () => {
  const agent = sealedAgent(quiet(express5).use(sealwire({ keys })));
  await failsWith('malformed', agent.trace('/'), /TRACE \//);
  await failsWith('malformed', agent.get('//elsewhere/'), /\/\/elsewhere/);
  await failsWith('malformed', agent.get('/files/../secret'), /\/files\/\.\.\/secret/);
  await failsWith('malformed', agent.get('/files/%2e%2e/secret'));
  await agent.get('/files/..secret?a=../b').expect(404);
});

it('an error reaches callbacks and listeners, too', async () => {
  const app = quiet(express5);
  const agent = sealedAgent(app);
  const called = await new Promise((resolve) => {
    agent.get('/').end((error, response) => resolve([error.code, response]));
  });
  assert.equal(called, ['configuration-unavailable', undefined]);
  const emitted = await new Promise((resolve) => {
    agent
      .get('/')
      .on('error', resolve)
      .end(() => {});
  });
  assert.ok(isSealwireError(emitted, 'configuration-unavailable'));
});

test.run();

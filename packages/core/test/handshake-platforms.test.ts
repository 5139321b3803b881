import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { suite as group } from 'uvu';
import * as assert from 'uvu/assert';
import { hmacSha512 } from '#crypto';
import { decodeBase64Url, encodeBase64Url } from '../src/base64url.ts';
import { beginHandshake } from '../src/handshake-client.ts';
import { answerHandshake } from '../src/handshake-server.ts';
import { generateKemPair } from '../src/hpke.ts';
import { suites } from '../src/suites.ts';
import { createKey, probe, RecordingStore, serverWith } from './support/sessions.ts';
import type { Order } from './support/web-peer.ts';

// Node's own crypto on this side, crypto.web.ts in a child process on the other: `#crypto` is one file per process.

const now = 1_700_000_000_000;

const test = group('platforms', { child: undefined as ChildProcess | undefined });

test.before((context) => {
  context.child = fork(fileURLToPath(new URL('support/web-peer.ts', import.meta.url)), {
    execArgv: ['--conditions=browser', '--conditions=sealwire-source', '--import', 'tsx'],
  });
});

test.after((context) => {
  context.child?.disconnect();
});

async function ask<T>(child: ChildProcess | undefined, order: Order): Promise<T> {
  if (child === undefined) throw new Error('no child process');
  const answered = once(child, 'message');
  child.send(order);
  const [{ result, error }] = (await answered) as [{ result?: T; error?: string }];
  if (result === undefined) throw new Error(error);
  return result;
}

test('the other process runs on WebCrypto', async ({ child }) => {
  assert.is((await ask<{ kemKeys: string }>(child, { do: 'describe' })).kemKeys, 'CryptoKey');
  const { pair } = await generateKemPair(suites[1] as (typeof suites)[number]);
  assert.is.not((pair.privateKey as object).constructor.name, 'CryptoKey');
});

for (const suite of suites) {
  for (const signed of [false, true]) {
    test(`a WebCrypto client and a Node server get the same master (${suite.name}, ${signed ? 'signed' : 'unsigned'})`, async ({
      child,
    }) => {
      const key = await createKey(suite);
      const store = new RecordingStore();
      const { kid, pub } = key;
      const begun = await ask<{ body: string }>(child, {
        do: 'begin',
        suite: suite.name,
        kid,
        pub: encodeBase64Url(pub),
        now,
        signed,
      });
      const reply = await answerHandshake(decodeBase64Url(begun.body), serverWith(key, store, now));
      const finished = await ask<{ sid: string; proof: string }>(child, {
        do: 'finish',
        reply: encodeBase64Url(reply),
      });
      const session = await store.load(finished.sid, now);
      if (session === undefined) throw new Error('no such session');
      assert.is(finished.proof, encodeBase64Url(await hmacSha512(session.master, probe)));
      assert.is(session.client === undefined, !signed);
    });
  }

  test(`a Node client and a WebCrypto server get the same master (${suite.name})`, async ({ child }) => {
    const key = await ask<{ kid: string; pub: string }>(child, { do: 'createKey', suite: suite.name });
    const client = await beginHandshake({ kid: key.kid, suite, pub: decodeBase64Url(key.pub) }, now);
    const answered = await ask<{ reply: string; proof: string }>(child, {
      do: 'answer',
      body: encodeBase64Url(client.body),
      now,
    });
    const { master } = await client.finish(decodeBase64Url(answered.reply));
    assert.is(answered.proof, encodeBase64Url(await hmacSha512(master, probe)));
  });
}

test.run();

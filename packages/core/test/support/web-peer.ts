// A process in which `#crypto` is crypto.web.ts: one side of handshakes with the process that forked it.
import { hmacSha512 } from '#crypto';
import { decodeBase64Url, encodeBase64Url } from '../../src/base64url.ts';
import { beginHandshake, type PendingHandshake } from '../../src/handshake-client.ts';
import { answerHandshake } from '../../src/handshake-server.ts';
import { generateKemPair } from '../../src/hpke.ts';
import { MemorySessionStore } from '../../src/memory-store.ts';
import { generateSigner } from '../../src/signatures.ts';
import { suiteByName } from '../../src/suites.ts';
import { createKey, probe, serverWith } from './sessions.ts';

export type Order =
  | { do: 'describe' }
  | { do: 'begin'; suite: string; kid: string; pub: string; now: number; signed: boolean }
  | { do: 'finish'; reply: string }
  | { do: 'createKey'; suite: string }
  | { do: 'answer'; body: string; now: number };

let pending: PendingHandshake | undefined;
let key: Awaited<ReturnType<typeof createKey>> | undefined;

function suiteNamed(name: string) {
  const suite = suiteByName(name);
  if (suite === undefined) throw new Error(`no suite ${name}`);
  return suite;
}

async function carryOut(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'describe': {
      const { pair } = await generateKemPair(suiteNamed('X25519'));
      return { kemKeys: (pair.privateKey as object).constructor.name };
    }
    case 'begin': {
      const { suite, kid, pub, now, signed } = order;
      const signer = signed ? await generateSigner() : undefined;
      const target = { suite: suiteNamed(suite), kid, pub: decodeBase64Url(pub) };
      pending = await beginHandshake(target, now, signer);
      return { body: encodeBase64Url(pending.body) };
    }
    case 'finish': {
      const session = await pending?.finish(decodeBase64Url(order.reply));
      if (session === undefined) throw new Error('nothing was begun');
      return { sid: session.sid, proof: encodeBase64Url(await hmacSha512(session.master, probe)) };
    }
    case 'createKey':
      key = await createKey(suiteNamed(order.suite));
      return { kid: key.kid, pub: encodeBase64Url(key.pub) };
    case 'answer': {
      if (key === undefined) throw new Error('no key was made');
      const store = new MemorySessionStore();
      const recorder: { sid?: string } = {};
      const recording = {
        create(...args: Parameters<MemorySessionStore['create']>) {
          recorder.sid = args[0];
          return store.create(...args);
        },
        load: store.load.bind(store),
        accept: store.accept.bind(store),
        end: store.end.bind(store),
        claimHello: store.claimHello.bind(store),
      };
      const reply = await answerHandshake(decodeBase64Url(order.body), serverWith(key, recording, order.now));
      const session = await store.load(recorder.sid ?? '', order.now);
      if (session === undefined) throw new Error('no session');
      return {
        reply: encodeBase64Url(reply),
        proof: encodeBase64Url(await hmacSha512(session.master, probe)),
      };
    }
  }
}

if (process.send !== undefined) {
  process.on('message', (order: Order) => {
    carryOut(order).then(
      (result) => process.send?.({ result }),
      (error: Error) => process.send?.({ error: error.stack }),
    );
  });
}

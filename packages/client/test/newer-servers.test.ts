// A server of a later version says what this client has no words for.
import {
  decodeBase64Url,
  encodeResponseHead,
  type MessageKeys,
  messageNonceLength,
  messageType,
  parseSealwireHeader,
  responseKeys,
  type SessionStore,
} from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { clientOf, recordingFetch } from '../../../test/support/clients.ts';
import { failure } from '../../../test/support/problems.ts';
import { startSealedNode } from '../../../test/support/servers.ts';
import { sealUnder } from '../../../test/support/wire-message.ts';

/** The answer of a server that refuses a request without a body, sealed as it would be. */
async function refusal(store: SessionStore, headers: Headers, code: string, problem: object) {
  const { sid, n, h = '' } = parseSealwireHeader(headers.get('sealwire') as string);
  const session = await store.load(sid, Date.now());
  const nonceQ = decodeBase64Url(h).subarray(0, messageNonceLength);
  const nonce = crypto.getRandomValues(new Uint8Array(messageNonceLength));
  const keys = (await responseKeys(session?.master as never, n, nonceQ, nonce)) as MessageKeys;
  const head = encodeResponseHead({ status: 400, fields: [['sealwire', code]] });
  const plaintext = Buffer.concat([head, Buffer.from(JSON.stringify(problem))]);
  const sealed = await sealUnder(keys, nonce, [{ kind: 'final', plaintext }]);
  return new Response(new Uint8Array(sealed), { headers: { 'content-type': messageType } });
}

it("a refusal with an unknown code is an error in the server's words, and no answer of the application", async () => {
  const server = await startSealedNode((_req, res) => void res.end('an answer'));
  let problem: object = {};
  const network = recordingFetch({
    request: (url, init) =>
      url.endsWith('/refused')
        ? refusal(server.store, new Headers(init.headers), 'quota-used', problem)
        : undefined,
  });
  const sealedFetch = clientOf(server, { fetch: network });
  assert.is(await (await sealedFetch('/')).text(), 'an answer');
  const messages: [object, string][] = [
    [{ title: 'Your quota is used up.', detail: 'It is 7.' }, 'Your quota is used up. It is 7.'],
    [{ title: 'Your quota is used up.' }, 'Your quota is used up.'],
    [{ title: 7 }, ''],
  ];
  for (const [given, message] of messages) {
    problem = given;
    const error = (await failure(sealedFetch('/refused'))) as Error & { code: string };
    assert.equal([error.name, error.code, error.message], ['SealwireError', 'quota-used', message]);
  }
});

test.run();

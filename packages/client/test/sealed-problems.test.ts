// What a server refuses with inside the seal: the code is in the head, and whatever the body is, the error is typed.
import {
  decodeBase64Url,
  encodeResponseHead,
  type MasterKey,
  messageNonceLength,
  messageType,
  parseSealwireHeader,
  responseKeys,
} from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { clientOf, recordingFetch } from '../../../test/support/clients.ts';
import { thrown } from '../../../test/support/problems.ts';
import { startSealedNode } from '../../../test/support/servers.ts';
import { MessageWriter } from '../../node/src/message-writer.ts';

/** A client of a server that refuses every exchange with a code and a body. */
async function refusedClient(code: string, body: string) {
  const server = await startSealedNode((_req, res) => res.end());
  const fetch = recordingFetch({
    async request(_url, init) {
      const header = new Headers(init.headers).get('sealwire');
      if (header === null) return undefined;
      const { sid, n, h = '' } = parseSealwireHeader(header);
      const { master } = (await server.store.load(sid, Date.now())) as { master: MasterKey };
      const nonceQ = decodeBase64Url(h).subarray(0, messageNonceLength);
      const nonce = crypto.getRandomValues(new Uint8Array(messageNonceLength));
      const head = encodeResponseHead({ status: 400, fields: [['sealwire', code]] });
      const writer = new MessageWriter(responseKeys(master, n, nonceQ, nonce), nonce, head);
      const sealed = Buffer.concat(writer.records(Buffer.from(body), true));
      return new Response(sealed, { headers: { 'content-type': messageType } });
    },
  });
  return clientOf(server, { fetch });
}

const bodies = ['', 'null', '{', '[]', '1', '"text"', '{"detail":1,"time":"now"}', '{"time":1e300}', '\xff'];

it('a refusal whose body is no problem is the error that its head names', async () => {
  for (const code of ['rejected', 'target-mismatch', 'expired', 'replayed', 'unavailable'] as const)
    for (const body of bodies) {
      const client = await refusedClient(code, body);
      const error = await thrown(client('/'), code);
      assert.is(error.code, code, body);
    }
});

it('what a problem says in detail is told', async () => {
  const client = await refusedClient('rejected', '{"detail":"It is so."}');
  assert.match((await thrown(client('/'), 'rejected')).message, 'It is so.');
});

test.run();

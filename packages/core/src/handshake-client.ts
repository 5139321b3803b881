import { importMaster, type MasterKey } from '#crypto';
import { generateKemPair, setupRecipient, setupSender } from '#hpke';
import * as valid from '#validators';
import { decodeBase64Url, encodeBase64Url } from './base64url.ts';
import { utf8 } from './bytes.ts';
import type { UsableKey } from './configuration.ts';
import { SealwireError } from './errors.ts';
import {
  clientStatement,
  exportMaster,
  exportReplyPsk,
  helloInfo,
  maxHandshakeLength,
  replyInfo,
} from './handshake.ts';
import { parseJson } from './json.ts';
import type { HandshakeReply, HandshakeRequest, Hello, Welcome } from './schemas.ts';
import type { Signer } from './signatures.ts';

/** A session as the client gets it. Times in milliseconds; `expires` and `time` by the server's clock. */
export interface ClientSession {
  readonly sid: string;
  readonly master: MasterKey;
  readonly expires: number;
  readonly idle: number;
  readonly time: number;
}

export interface PendingHandshake {
  /** The body to POST to the handshake endpoint. */
  readonly body: Uint8Array<ArrayBuffer>;
  /**
   * Opens the reply.
   * @throws SealwireError `handshake-failed` whatever is wrong with it
   */
  finish(reply: Uint8Array): Promise<ClientSession>;
}

/**
 * Begins a handshake towards a key of a verified configuration. `now` is the wall clock in milliseconds.
 * @throws SealwireError `configuration-invalid` for a key that is none; the platform's error if code did not load
 */
export async function beginHandshake(
  key: UsableKey,
  now: number,
  client?: Signer,
): Promise<PendingHandshake> {
  const { suite, kid } = key;
  // This loads the suite's code. What fails in the network stays what it is.
  const { pair, pub: eph } = await generateKemPair(suite);
  const { enc, ctx } = await setupSender(suite, key.pub, { info: helloInfo(suite, kid) }).catch((cause) => {
    throw new SealwireError('configuration-invalid', 'One of its keys is no key of its suite.', { cause });
  });
  const hello: Hello = { eph: encodeBase64Url(eph), time: now };
  if (client !== undefined) {
    const { alg, pub } = client;
    const statement = await clientStatement({ suite, kid, enc, eph, alg, pub, time: now });
    hello.client = { alg, pub: encodeBase64Url(pub), sig: encodeBase64Url(await client.sign(statement)) };
  }
  const sealed = await ctx.Seal(utf8(JSON.stringify(hello)));
  const request: HandshakeRequest = {
    v: 1,
    kid,
    suite: suite.id,
    enc: encodeBase64Url(enc),
    sealed: encodeBase64Url(sealed),
  };
  const body = utf8(JSON.stringify(request));

  async function open(replyBytes: Uint8Array): Promise<ClientSession> {
    const reply = parseJson<HandshakeReply>(
      replyBytes,
      maxHandshakeLength,
      valid.handshakeReply,
      'handshake-failed',
    );
    const psk = await exportReplyPsk(ctx);
    const replyCtx = await setupRecipient(suite, pair, decodeBase64Url(reply.enc), {
      info: await replyInfo(body),
      psk,
    });
    psk.fill(0);
    const opened = await replyCtx.Open(decodeBase64Url(reply.sealed));
    const welcome = parseJson<Welcome>(opened, maxHandshakeLength, valid.welcome, 'handshake-failed');
    const master = await exportMaster(replyCtx);
    const { sid, expires, idle, time } = welcome;
    const session = { master: await importMaster(master), expires, idle, time };
    master.fill(0);
    // Not enumerable, so that no log shows it.
    return Object.defineProperty(session, 'sid', { value: sid }) as ClientSession;
  }

  return {
    body,
    async finish(reply) {
      try {
        return await open(reply);
      } catch (cause) {
        throw new SealwireError(
          'handshake-failed',
          'The reply is not by the holder of the key, or was altered.',
          {
            cause,
          },
        );
      }
    },
  };
}

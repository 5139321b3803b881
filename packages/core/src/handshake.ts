import { sha256 } from '#crypto';
import { decodeBase64Url } from './base64url.ts';
import { concat, label, lv, u16, u64, utf8 } from './bytes.ts';
import type { Exporter } from './hpke-input.ts';
import type { SignatureAlgorithm } from './signatures.ts';
import type { Suite } from './suites.ts';

// What client and server of the handshake (docs/PROTOCOL.md, Handshake) must compute alike.

export const handshakeType = 'application/vnd.sealwire.handshake';
/** Longest body either way, in bytes. */
export const maxHandshakeLength = 8192;
/** Length of the master secret of a session in bytes. */
export const masterLength = 64;

const helloLabel = label('sealwire/1 hello');
const replyLabel = label('sealwire/1 reply');
const clientLabel = label('sealwire/1 client');
const replyPskLabel = utf8('sealwire/1 reply psk');
const masterLabel = utf8('sealwire/1 master');

function suiteBytes(suite: Suite): Uint8Array {
  return concat(u16(suite.kem), u16(0x0001), u16(0x0002));
}

/** `info` of the set-up towards the server's static key. */
export function helloInfo(suite: Suite, kid: string): Uint8Array {
  return concat(helloLabel, suiteBytes(suite), decodeBase64Url(kid));
}

/** `info` of the set-up towards the client's ephemeral key: it covers the request byte for byte. */
export async function replyInfo(requestBody: Uint8Array): Promise<Uint8Array> {
  return concat(replyLabel, await sha256(requestBody));
}

/** The psk that ties the reply to the first set-up. */
export function exportReplyPsk(hello: Exporter): Promise<Uint8Array> {
  return hello.Export(replyPskLabel, 32);
}

/** The session's master secret. */
export function exportMaster(reply: Exporter): Promise<Uint8Array> {
  return reply.Export(masterLabel, masterLength);
}

/** What a client key signs, so that the signature fits this handshake and no other. */
export async function clientStatement(about: {
  suite: Suite;
  kid: string;
  enc: Uint8Array;
  eph: Uint8Array;
  alg: SignatureAlgorithm;
  pub: Uint8Array;
  time: number;
}): Promise<Uint8Array> {
  const transcript = concat(
    suiteBytes(about.suite),
    decodeBase64Url(about.kid),
    lv(about.enc),
    lv(about.eph),
    lv(utf8(about.alg)),
    lv(about.pub),
    u64(about.time),
  );
  return concat(clientLabel, await sha256(transcript));
}

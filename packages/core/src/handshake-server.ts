import { randomBytes, sha256 } from '#crypto';
import * as valid from '#validators';
import { decodeBase64Url, encodeBase64Url } from './base64url.ts';
import { utf8 } from './bytes.ts';
import { rejected, SealwireError } from './errors.ts';
import {
  clientStatement,
  exportMaster,
  exportReplyPsk,
  helloInfo,
  maxHandshakeLength,
  replyInfo,
} from './handshake.ts';
import { type KeyPair, setupRecipient, setupSender } from './hpke.ts';
import { parseJson } from './json.ts';
import type { Maybe } from './primitives.ts';
import type { HandshakeReply, HandshakeRequest, Hello, Welcome } from './schemas.ts';
import type { ServerKemKey } from './server-kem-key.ts';
import { type SessionStore, storeTimeLimit } from './session-store.ts';
import { type SignatureAlgorithm, thumbprint, verifySignature } from './signatures.ts';
import { type Suite, type SuiteName, suiteById } from './suites.ts';
import { withinLimit } from './time-limit.ts';

/** What is known of a handshake, for the record. */
export interface HandshakeNotes {
  /** As the client named it. */
  kid?: string;
  /** Thumbprint of the client key, once its signature was verified. */
  client?: string | undefined;
  /** Id of the session that was created. */
  sid?: string;
  suite?: SuiteName;
  /** Server time at which the session ends, in milliseconds. */
  expires?: number;
}

export interface HandshakeOptions {
  /** The key with this id, if handshakes may use it now. */
  findKey(kid: string): ServerKemKey | undefined | Promise<ServerKemKey | undefined>;
  readonly store: Pick<SessionStore, 'create' | 'claimHello'>;
  /** Server time in milliseconds. */
  readonly now: number;
  /** Life of the session from now on, in milliseconds. */
  readonly maxAge: number;
  /** How long it may rest, in milliseconds. */
  readonly maxIdle: number;
  /**
   * Does the work when its turn has come, or throws `too-many-handshakes`: the public-key work, which waits for nothing,
   * or, if `remote`, a handshake with a key that is kept elsewhere, whose public-key work is admitted within. Default: at
   * once.
   */
  admit?<T>(work: () => Promise<T>, remote: boolean): Promise<T>;
  /**
   * Called with the thumbprint of the client key that signed, `undefined` where none did, before there is a session.
   * Throws what the client is refused with.
   */
  allow?(client: string | undefined): Promise<void>;
  /** Filled as things become known, so also by a handshake that is refused. */
  readonly notes?: HandshakeNotes;
}

const tagLength = 16;

/**
 * Answers a handshake: opens the hello, checks the client's signature, creates a half-open session.
 * @returns the body of the reply
 * @throws SealwireError `malformed`, `unsupported-version`, `unknown-key`, `rejected`, `too-many-handshakes`,
 * `unavailable` (of the store, or of a key that is kept elsewhere); what `allow` throws
 */
export async function answerHandshake(
  body: Uint8Array,
  options: HandshakeOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { notes = {}, admit = (work) => work() } = options;
  const { request, suite, enc, sealed } = parseRequest(body);
  notes.kid = request.kid;
  const key = await options.findKey(request.kid);
  if (key === undefined || key.suite !== suite) throw new SealwireError('unknown-key');
  // Before any public-key work, and best effort: a hello counts once.
  const hash = encodeBase64Url(await sha256(enc));
  if (!(await asked(() => options.store.claimHello(hash, options.now)))) throw rejected();

  const respond = async (pair: KeyPair) => {
    const { hello, psk } = await openHello(key, pair, request, enc, sealed);
    const eph = decodeBase64Url(hello.eph);
    if (eph.length !== suite.pubLength) throw rejected();
    const client = await verifyClient(hello, { suite, kid: key.kid, enc, eph });
    notes.client = client;
    return { client, reply: await replyTo(suite, eph, psk, body) };
  };
  const work = async () => {
    const pair = await key.pairFor(enc);
    return admit(() => respond(pair), false);
  };
  const { client, reply } = await (key.remote ? admit(work, true) : work());

  await options.allow?.(client);

  const expires = options.now + options.maxAge;
  const sid = encodeBase64Url(randomBytes(16));
  const master = await exportMaster(reply.ctx);
  const info = { suite: suite.name, kid: key.kid, client, expires, idle: options.maxIdle };
  try {
    const created = await asked(() => options.store.create(sid, info, master, options.now));
    if (!created) throw new SealwireError('too-many-handshakes');
  } finally {
    master.fill(0);
  }

  Object.assign(notes, { sid, suite: suite.name, expires });
  const welcome: Welcome = { v: 1, sid, expires, idle: options.maxIdle, time: options.now };
  const answer: HandshakeReply = {
    v: 1,
    enc: encodeBase64Url(reply.enc),
    sealed: encodeBase64Url(await reply.ctx.Seal(utf8(JSON.stringify(welcome)))),
  };
  return utf8(JSON.stringify(answer));
}

/** A store that cannot answer, answers late, or neither yes nor no, is a refusal. */
async function asked(ask: () => Maybe<boolean>): Promise<boolean> {
  try {
    const answer: unknown = await withinLimit(ask, storeTimeLimit);
    if (typeof answer !== 'boolean') throw new TypeError('The session store answered neither yes nor no.');
    return answer;
  } catch (cause) {
    throw new SealwireError('unavailable', undefined, { cause });
  }
}

/** Form and exact lengths, before anything costs. */
function parseRequest(body: Uint8Array) {
  const request = parseJson<HandshakeRequest>(body, maxHandshakeLength, isRequestOrOtherVersion, 'malformed');
  if (request.v !== 1) throw new SealwireError('unsupported-version');
  const suite = suiteById(request.suite);
  if (suite === undefined) throw new SealwireError('unknown-key');
  const enc = decodeBase64Url(request.enc);
  const sealed = decodeBase64Url(request.sealed);
  decodeBase64Url(request.kid);
  if (enc.length !== suite.encLength || sealed.length <= tagLength) throw new SealwireError('malformed');
  return { request, suite, enc, sealed };
}

function isRequestOrOtherVersion(value: unknown): boolean {
  if (valid.handshakeRequest(value)) return true;
  const version = (value as { v?: unknown } | null)?.v;
  return Number.isInteger(version) && version !== 1;
}

async function openHello(
  key: ServerKemKey,
  pair: KeyPair,
  request: HandshakeRequest,
  enc: Uint8Array,
  sealed: Uint8Array,
) {
  try {
    const ctx = await setupRecipient(key.suite, pair, enc, { info: helloInfo(key.suite, request.kid) });
    const hello = parseJson<Hello>(await ctx.Open(sealed), maxHandshakeLength, valid.hello, 'rejected');
    return { hello, psk: await exportReplyPsk(ctx) };
  } catch {
    throw rejected();
  }
}

/** The thumbprint of the client key that signed, `undefined` where none did. */
async function verifyClient(
  hello: Hello,
  handshake: { suite: Suite; kid: string; enc: Uint8Array; eph: Uint8Array },
): Promise<string | undefined> {
  if (hello.client === undefined) return undefined;
  const alg: SignatureAlgorithm = hello.client.alg;
  const pub = decodeBase64Url(hello.client.pub);
  const statement = await clientStatement({ ...handshake, alg, pub, time: hello.time });
  if (!(await verifySignature(alg, pub, statement, decodeBase64Url(hello.client.sig)))) throw rejected();
  return thumbprint(alg, pub);
}

async function replyTo(suite: Suite, eph: Uint8Array, psk: Uint8Array, body: Uint8Array) {
  try {
    return await setupSender(suite, eph, { info: await replyInfo(body), psk });
  } catch {
    throw rejected();
  } finally {
    psk.fill(0);
  }
}

import { createHash, createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { type AuditEvent, fromUtf8, type SignatureAlgorithm } from '@sealwire/core';

// A line of an audit log: {"seq":7,"prev":"…","event":{…},"mac":"…"}
//
// prev = SHA-256 of the line before, without its line feed
// mac  = HMAC-SHA256(key, the line's bytes up to ,"mac")
//
// Bytes are hashed as they stand in the file, so no canonical form is needed. The chain of hashes can be followed by
// everyone, so that who has not the key can hold it against signed checkpoints; who has it knows every line.

/** How far a log goes. */
export interface LogHead {
  /** How many lines it has, those of earlier files included. */
  readonly lines: number;
  /** Hash of the last. */
  readonly hash: string;
}

/** What the first line of a log follows upon. */
export const beginning = Buffer.alloc(32).toString('base64url');

/** The writer opened the file: it is new, was begun by rotation, or goes on after a restart. */
export interface Opened {
  readonly time: number;
  /** SHA-256 of what stands between that line and this one: what a crash broke off, and nobody can read. */
  readonly torn?: readonly string[];
}

/** The writer's signature over all lines before. */
export interface Checkpoint {
  readonly time: number;
  /** How many lines it vouches for: all whose `seq` is less. */
  readonly lines: number;
  /** Hash of the last of them. */
  readonly hash: string;
  /** True if the log was closed: nothing was to follow before it is opened again. */
  readonly closing: boolean;
  readonly alg: SignatureAlgorithm;
  /** Thumbprint of the key. */
  readonly key: string;
  readonly sig: string;
}

export type Content =
  | { readonly event: AuditEvent }
  | { readonly opened: Opened }
  | { readonly checkpoint: Checkpoint };

/** A line as it was read. */
export interface ParsedLine {
  readonly seq: number;
  readonly prev: string;
  readonly content: Content;
  /** What the MAC is of. */
  readonly body: Uint8Array;
  readonly mac: Buffer;
}

// Base64url of 32 bytes, canonical: every other spelling of them is an edit.
const tail = /^,"mac":"([\w-]{42}[AEIMQUYcgkosw048])"\}$/;
const tailLength = ',"mac":""}'.length + 43;

/** Reads a line without its line feed; undefined for what is none. */
export function parseLine(bytes: Uint8Array): ParsedLine | undefined {
  const body = bytes.subarray(0, Math.max(0, bytes.length - tailLength));
  try {
    const [, mac] = fromUtf8(bytes.subarray(body.length)).match(tail) ?? [];
    if (mac === undefined) return undefined;
    const { seq, prev, ...content } = JSON.parse(`${fromUtf8(body)}}`);
    if (!isCount(seq) || typeof prev !== 'string' || !isContent(content)) return undefined;
    return { seq, prev, content, body, mac: Buffer.from(mac, 'base64url') };
  } catch {
    return undefined;
  }
}

function isContent(content: object): content is Content {
  const [[kind, value] = [], ...more] = Object.entries(content);
  if (more.length > 0 || typeof value?.time !== 'number') return false;
  if (kind === 'event') return true;
  const { torn = [], time, lines, closing, ...texts } = value;
  if (kind === 'opened') return Array.isArray(torn);
  if (kind !== 'checkpoint' || ![time, lines].every(isCount) || typeof closing !== 'boolean') return false;
  return ['hash', 'alg', 'key', 'sig'].every((name) => typeof texts[name] === 'string');
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Writes the lines of a chain, each from the one before. */
export class Chain {
  readonly #key: KeyObject;
  #seq: number;
  #hash: string;

  /** @param seq of the next line; @param hash of the last */
  constructor(key: KeyObject, seq: number, hash: string) {
    this.#key = key;
    this.#seq = seq;
    this.#hash = hash;
  }

  /** `seq` of the next line: how many there are. */
  get seq(): number {
    return this.#seq;
  }

  /** Hash of the last line. */
  get hash(): string {
    return this.#hash;
  }

  /** The next line, with its line feed. */
  next(content: Content): string {
    const body = JSON.stringify({ seq: this.#seq, prev: this.#hash, ...content }).slice(0, -1);
    const line = `${body},"mac":"${lineMac(this.#key, Buffer.from(body)).toString('base64url')}"}`;
    this.#hash = lineHash(Buffer.from(line));
    this.#seq++;
    return `${line}\n`;
  }
}

export function lineHash(line: Uint8Array): string {
  return createHash('sha256').update(line).digest('base64url');
}

export function lineMac(key: KeyObject, body: Uint8Array): Buffer {
  return createHmac('sha256', key).update(body).digest();
}

/** True if a MAC is the right one, in the same time whatever it is. */
export function isMac(right: Buffer, mac: Uint8Array): boolean {
  return mac.length === right.length && timingSafeEqual(right, mac);
}

/** What a checkpoint signs. */
export function checkpointStatement({ lines, hash, time, closing }: Omit<Checkpoint, 'alg' | 'key' | 'sig'>) {
  const numbers = Buffer.alloc(17);
  numbers.writeBigUInt64BE(BigInt(lines), 0);
  numbers.writeBigUInt64BE(BigInt(time), 8);
  numbers.writeUInt8(closing ? 1 : 0, 16);
  return Buffer.concat([Buffer.from('sealwire/1 audit checkpoint\0'), numbers, Buffer.from(hash)]);
}

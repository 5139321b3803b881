// As much of DER (X.690) as encrypted private keys need.
import { concat } from '@sealwire/core';

export const sequenceTag = 0x30;
export const integerTag = 0x02;
export const octetsTag = 0x04;
export const oidTag = 0x06;

/** One element: tag, shortest length, contents; those shorter than 64 KiB. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const contents = concat(...parts);
  const { length } = contents;
  if (length > 0xffff) throw new RangeError('too long for this DER');
  if (length < 0x80) return concat(Uint8Array.of(tag, length), contents);
  const head = length <= 0xff ? [tag, 0x81, length] : [tag, 0x82, length >>> 8, length & 0xff];
  return concat(Uint8Array.from(head), contents);
}

/** An INTEGER from 0 to 2^32 - 1. */
export function integer(value: number): Uint8Array<ArrayBuffer> {
  const octets = [];
  for (let rest = value; rest > 0 || octets.length === 0; rest = Math.floor(rest / 256))
    octets.unshift(rest % 256);
  // The first bit is the sign.
  if ((octets[0] as number) >= 0x80) octets.unshift(0);
  return element(integerTag, Uint8Array.from(octets));
}

/** Reads one element after the other, and takes DER only. Every method throws a TypeError for anything else. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** True if nothing follows. */
  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The contents of the next element, which has to have this tag: a view. */
  read(tag: number): Uint8Array {
    if (this.#octet() !== tag) throw new TypeError('another element');
    const length = this.#length();
    const contents = this.#bytes.subarray(this.#at, this.#at + length);
    if (contents.length !== length) throw new TypeError('ends too early');
    this.#at += length;
    return contents;
  }

  sequence(): DerReader {
    return new DerReader(this.read(sequenceTag));
  }

  /** An INTEGER from 0 to 2^32 - 1. */
  integer(): number {
    const octets = this.read(integerTag);
    const [first = 0xff, second = 0] = octets;
    if (octets.length > 5 || first >= 0x80) throw new TypeError('no small integer');
    if (first === 0 && octets.length > 1 && second < 0x80) throw new TypeError('not the shortest integer');
    const value = octets.reduce((sum, octet) => sum * 256 + octet, 0);
    if (value > 0xffff_ffff) throw new TypeError('no small integer');
    return value;
  }

  /** The last element was read. */
  end(): void {
    if (!this.done) throw new TypeError('something follows');
  }

  #octet(): number {
    const octet = this.#bytes[this.#at++];
    if (octet === undefined) throw new TypeError('ends too early');
    return octet;
  }

  #length(): number {
    const first = this.#octet();
    if (first < 0x80) return first;
    if (first === 0x81) {
      const length = this.#octet();
      if (length >= 0x80) return length;
    } else if (first === 0x82) {
      const length = this.#octet() * 256 + this.#octet();
      if (length > 0xff) return length;
    }
    throw new TypeError('not the shortest length');
  }
}

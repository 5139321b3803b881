import { fromLatin1, latin1 } from '#crypto';
import { rejected, SealwireError } from './errors.ts';
import { readVarint, varint, varintLengthOf } from './varint.ts';

/** Longest head in bytes, without the length in front of it. */
export const maxHeadLength = 16_384;

/** A field as it stands in a field section: name in lower case, value as a ByteString (one character a byte). */
export type Field = readonly [name: string, value: string];

export interface RequestHead {
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  /** Path with query. */
  readonly path: string;
  readonly fields: readonly Field[];
}

export interface ResponseHead {
  readonly status: number;
  readonly fields: readonly Field[];
}

/** The response field with the reason phrase (docs/PROTOCOL.md, Head). */
export const reasonField = 'sealwire-reason';
/** The one that goes without saying: that of 200. */
export const usualReason = 'OK';

const methodForm = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}$/;
const nameForm = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
// Printable, with blanks inside only (RFC 9110, section 5.5).
const valueForm = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
/** What no byte stands for. */
const noByte = /[\u0100-\uffff]/;

/**
 * The head of a request: varint length, then control data and field section of Binary HTTP (RFC 9292, sections 3.4
 * and 3.6, known-length encodings).
 * @throws SealwireError `head-too-large`; `malformed` for what cannot stand in a head
 */
export function encodeRequestHead(head: RequestHead): Uint8Array<ArrayBuffer> {
  const { method, scheme, authority, path, fields } = head;
  return encoded([method, scheme, authority, path].map(prefixed).join('') + fieldSection(fields));
}

/** The head of a response: varint length, then final status code and field section. */
export function encodeResponseHead({ status, fields }: ResponseHead): Uint8Array<ArrayBuffer> {
  return encoded(varint(status) + fieldSection(fields));
}

/** A field section alone, as a trailers record carries it. */
export function encodeFieldSection(fields: readonly Field[]): Uint8Array<ArrayBuffer> {
  return encoded(pairs(fields));
}

// A head is put together as text with one character for each byte, as which its strings come anyway.

function fieldSection(fields: readonly Field[]): string {
  return prefixed(pairs(fields));
}

function pairs(fields: readonly Field[]): string {
  let text = '';
  for (const [name, value] of fields) text += prefixed(name) + prefixed(value);
  return text;
}

function prefixed(text: string): string {
  return varint(text.length) + text;
}

/** The bytes of a text, behind its length. */
function encoded(text: string): Uint8Array<ArrayBuffer> {
  if (text.length > maxHeadLength) throw new SealwireError('head-too-large');
  if (noByte.test(text)) throw new SealwireError('malformed', 'A head carries ByteStrings only.');
  return fromLatin1(prefixed(text));
}

/**
 * Length in bytes of the head at the beginning of record 0, its own length included.
 * @throws SealwireError `rejected` unless the whole head stands in the record
 */
export function headLength(record: Uint8Array): number {
  const own = record.length > 0 ? varintLengthOf(record[0] as number) : 0;
  if (own === 0 || own > record.length) throw rejected();
  const length = readVarint(record, 0);
  if (length > maxHeadLength || own + length > record.length) throw rejected();
  return own + length;
}

/** @throws SealwireError `rejected` for anything but exactly one well-formed head of a request */
export function decodeRequestHead(bytes: Uint8Array): RequestHead {
  const reader = new HeadReader(bytes, headStart(bytes));
  const method = reader.string();
  const scheme = reader.string();
  const authority = reader.string();
  const path = reader.string();
  if (!methodForm.test(method)) throw rejected();
  const fields = reader.fields();
  return { method, scheme, authority, path, fields };
}

/** @throws SealwireError `rejected` for anything but exactly one well-formed head of a response */
export function decodeResponseHead(bytes: Uint8Array): ResponseHead {
  const reader = new HeadReader(bytes, headStart(bytes));
  const status = reader.number();
  if (status < 100 || status > 999) throw rejected();
  return { status, fields: reader.fields() };
}

/** @throws SealwireError `rejected` */
export function decodeFieldSection(bytes: Uint8Array): Field[] {
  return new HeadReader(bytes, 0).fields();
}

function headStart(bytes: Uint8Array): number {
  if (headLength(bytes) !== bytes.length) throw rejected();
  return varintLengthOf(bytes[0] as number);
}

class HeadReader {
  readonly #bytes: Uint8Array;
  /** The same bytes, one character each, so that a string is a slice of it. */
  readonly #text: string;
  #at: number;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#text = latin1(bytes);
    this.#at = start;
  }

  number(): number {
    const end =
      this.#at + (this.#at < this.#bytes.length ? varintLengthOf(this.#bytes[this.#at] as number) : 1);
    if (end > this.#bytes.length) throw rejected();
    const value = readVarint(this.#bytes, this.#at);
    this.#at = end;
    return value;
  }

  string(): string {
    const length = this.number();
    const start = this.#at;
    if (length > this.#bytes.length - start) throw rejected();
    this.#at = start + length;
    return this.#text.slice(start, this.#at);
  }

  /** The field section, which has to be all that is left. */
  fields(): Field[] {
    if (this.number() !== this.#bytes.length - this.#at) throw rejected();
    const fields: Field[] = [];
    while (this.#at < this.#bytes.length) {
      const name = this.string();
      const value = this.string();
      if (!nameForm.test(name) || !valueForm.test(value)) throw rejected();
      fields.push([name, value]);
    }
    return fields;
  }
}

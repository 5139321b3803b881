import { copyOf } from './bytes.ts';
import { rejected, SealwireError } from './errors.ts';

/** Most plaintext in one record, in bytes. */
export const maxRecordPlaintext = 65_536;
export const tagLength = 16;
export const recordHeaderLength = 4;
/** What a record adds to its plaintext. */
export const recordOverhead = recordHeaderLength + tagLength;

const maxRecords = 2 ** 24;
const maxPaddingRun = 16;
const finalBit = 0x8000_0000;
const paddingBit = 0x4000_0000;
const trailersBit = 0x2000_0000;
const reservedBits = 0x1ffe_0000;
const lengthBits = 0x0001_ffff;
const baseNonceLength = 12;

const nothing = new Uint8Array();

/** Nonce of record `count`: base nonce XOR u96 count. */
function recordNonce(baseNonce: Uint8Array, count: number): Uint8Array {
  const nonce = new Uint8Array(baseNonceLength);
  for (let i = 0; i < 8; i++) nonce[i] = baseNonce[i] as number;
  nonce[8] = (baseNonce[8] as number) ^ (count >>> 24);
  nonce[9] = (baseNonce[9] as number) ^ (count >>> 16);
  nonce[10] = (baseNonce[10] as number) ^ (count >>> 8);
  nonce[11] = (baseNonce[11] as number) ^ count;
  return nonce;
}

/** What kind of record a writer is about to seal. A plain one carries the head, body bytes, or both. */
export type RecordKind = 'more' | 'final' | 'trailers' | 'padding';

const bitsOfKind = {
  more: 0,
  final: finalBit,
  trailers: finalBit | trailersBit,
  padding: paddingBit,
} as const;

/** Hands out the header (which is the AAD) and the nonce of each record of one message, in order. */
export class RecordWriter {
  readonly #baseNonce: Uint8Array;
  #count = 0;
  #paddingRun = 0;
  #done = false;

  constructor(baseNonce: Uint8Array) {
    this.#baseNonce = baseNonce;
  }

  /** @throws RangeError for a record that a reader would refuse */
  next(kind: RecordKind, plaintextLength: number): { header: Uint8Array; nonce: Uint8Array } {
    if (this.#done || !mayStand(kind, plaintextLength, this.#count, this.#paddingRun)) {
      throw new RangeError('no such record can follow');
    }
    this.#paddingRun = kind === 'padding' ? this.#paddingRun + 1 : 0;
    const bits = (bitsOfKind[kind] | (plaintextLength + tagLength)) >>> 0;
    const header = Uint8Array.of(bits >>> 24, bits >>> 16, bits >>> 8, bits);
    this.#done = (bits & finalBit) !== 0;
    return { header, nonce: recordNonce(this.#baseNonce, this.#count++) };
  }
}

/** A record whose bytes have all arrived, not yet authenticated. */
export interface Frame {
  readonly header: Uint8Array;
  readonly nonce: Uint8Array;
  /** The ciphertext in pieces, in order; they may be views of what was pushed. */
  readonly parts: Uint8Array[];
  readonly tag: Uint8Array;
  readonly kind: RecordKind;
}

/** Pieces shorter than this are copied together: a byte must not hold on to the read buffer it came in. */
const smallPiece = 1024;
const collectorLength = 8192;

/**
 * Takes a message apart into records, whatever way its bytes are split over reads. Refuses a header on reading its
 * four bytes, before anything is kept for it, and after one refusal everything.
 */
export class RecordReader {
  readonly #baseNonce: Uint8Array;
  #count = 0;
  #paddingRun = 0;
  #done = false;
  #failure: SealwireError | undefined;

  #input: Uint8Array | undefined;
  #offset = 0;

  /** A header or a tag that comes byte by byte, and how much of it is there. */
  #piece: Uint8Array = nothing;
  #fill = 0;
  #header: Uint8Array = nothing;
  #kind: RecordKind = 'more';
  /** Bytes of ciphertext still to come for the current record; -1 while its header is incomplete. */
  #missing = -1;
  #parts: Uint8Array[] = [];
  #collector: Uint8Array | undefined;
  #collected = 0;
  #tag: Uint8Array = nothing;

  constructor(baseNonce: Uint8Array) {
    this.#baseNonce = baseNonce;
  }

  /** True once the final record was handed out. */
  get done(): boolean {
    return this.#done;
  }

  /** Bytes of the current record that are held until it is complete. */
  get held(): number {
    let length = (this.#missing < 0 ? 0 : recordHeaderLength) + this.#collected + this.#fill;
    for (const part of this.#parts) length += part.length;
    return length;
  }

  /** Gives the next bytes; then {@link next} until it returns undefined. */
  push(chunk: Uint8Array): void {
    this.#input = chunk;
    this.#offset = 0;
  }

  /**
   * The next complete record of what was pushed.
   * @throws SealwireError `rejected` for a header that must not stand here, or for anything behind the final record
   */
  next(): Frame | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    const input = this.#input;
    if (input === undefined) return undefined;
    if (this.#offset < input.length) {
      if (this.#done) throw this.poison(rejected());
      if (this.#missing < 0 && !this.#readHeader(input)) return this.#exhausted();
      if (!this.#readBody(input)) return this.#exhausted();
      return this.#complete();
    }
    return this.#exhausted();
  }

  /** Call when the bytes have ended. @throws SealwireError `truncated` unless the final record came */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#done) throw this.poison(new SealwireError('truncated'));
  }

  /** Makes every later call fail: an error in one record ends the message. */
  poison(failure: SealwireError): SealwireError {
    this.#failure ??= failure;
    this.#parts = [];
    this.#collector = undefined;
    this.#input = undefined;
    return this.#failure;
  }

  #exhausted(): undefined {
    this.#input = undefined;
    return undefined;
  }

  /** The next `length` bytes: a view where they came together, a copy where not, undefined while some are missing. */
  #take(input: Uint8Array, length: number): Uint8Array | undefined {
    if (this.#fill === 0) {
      if (input.length - this.#offset >= length) {
        this.#offset += length;
        return input.subarray(this.#offset - length, this.#offset);
      }
      this.#piece = new Uint8Array(length);
    }
    while (this.#fill < length) {
      if (this.#offset === input.length) return undefined;
      this.#piece[this.#fill++] = input[this.#offset++] as number;
    }
    this.#fill = 0;
    return this.#piece;
  }

  #readHeader(input: Uint8Array): boolean {
    const header = this.#take(input, recordHeaderLength);
    if (header === undefined) return false;
    this.#header = header;
    const bits = readU32(header);
    const length = (bits & lengthBits) - tagLength;
    const kind = kindOf(bits);
    if (kind === undefined || !mayStand(kind, length, this.#count, this.#paddingRun)) {
      throw this.poison(rejected());
    }
    this.#kind = kind;
    this.#missing = length;
    return true;
  }

  #readBody(input: Uint8Array): boolean {
    if (this.#missing > 0) {
      const available = Math.min(this.#missing, input.length - this.#offset);
      if (available > 0) this.#keep(input.subarray(this.#offset, this.#offset + available));
      this.#offset += available;
      this.#missing -= available;
      if (this.#missing > 0) return false;
    }
    const tag = this.#take(input, tagLength);
    if (tag === undefined) return false;
    this.#tag = tag;
    return true;
  }

  #keep(piece: Uint8Array): void {
    if (piece.length >= smallPiece || piece.length === this.#missing) {
      this.#closeCollector();
      this.#parts.push(piece);
      return;
    }
    if (this.#collector === undefined || this.#collector.length - this.#collected < piece.length) {
      this.#closeCollector();
      this.#collector = new Uint8Array(Math.min(collectorLength, this.#missing));
    }
    this.#collector.set(piece, this.#collected);
    this.#collected += piece.length;
  }

  #closeCollector(): void {
    // A copy: between large pieces it must not keep the rest of the collector alive.
    if (this.#collector !== undefined) this.#parts.push(copyOf(this.#collector.subarray(0, this.#collected)));
    this.#collector = undefined;
    this.#collected = 0;
  }

  #complete(): Frame {
    this.#closeCollector();
    const frame: Frame = {
      header: this.#header,
      nonce: recordNonce(this.#baseNonce, this.#count),
      parts: this.#parts,
      tag: this.#tag,
      kind: this.#kind,
    };
    this.#count++;
    this.#paddingRun = frame.kind === 'padding' ? this.#paddingRun + 1 : 0;
    this.#done = frame.kind === 'final' || frame.kind === 'trailers';
    this.#missing = -1;
    this.#parts = [];
    return frame;
  }
}

function readU32(bytes: Uint8Array): number {
  const high = ((bytes[0] as number) << 8) | (bytes[1] as number);
  const low = ((bytes[2] as number) << 8) | (bytes[3] as number);
  return ((high << 16) | low) >>> 0;
}

/** The rules about one record, `index` records into its message, behind a run of padding. */
function mayStand(kind: RecordKind, plaintextLength: number, index: number, paddingRun: number): boolean {
  if (plaintextLength < 0 || plaintextLength > maxRecordPlaintext || index >= maxRecords) return false;
  switch (kind) {
    case 'more':
      return plaintextLength > 0;
    case 'final':
      return true;
    case 'trailers':
      // Record 0 begins with the head.
      return index > 0;
    case 'padding':
      return index > 0 && paddingRun < maxPaddingRun;
  }
}

function kindOf(bits: number): RecordKind | undefined {
  if ((bits & reservedBits) !== 0) return undefined;
  switch (bits & ~lengthBits) {
    case 0:
      return 'more';
    case finalBit | 0:
      return 'final';
    case finalBit | trailersBit | 0:
      return 'trailers';
    case paddingBit:
      return 'padding';
    default:
      return undefined;
  }
}

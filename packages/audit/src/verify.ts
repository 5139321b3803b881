import type { KeyObject } from 'node:crypto';
import { type Signer, thumbprint, verifySignature } from '@sealwire/core';
import { importLogKey } from './file-options.ts';
import { checkOptions, invalid } from './invalid.ts';
import {
  beginning,
  type Checkpoint,
  checkpointStatement,
  isMac,
  type LogHead,
  lineHash,
  lineMac,
  type ParsedLine,
  parseLine,
} from './line.ts';
import { readLines } from './read-lines.ts';
import type { AuditLogFault, AuditLogReport, FaultKind } from './report.ts';

export interface VerifyOptions {
  /** The log's key, 32 bytes: vouches for every line. */
  key?: Uint8Array;
  /** Public halves of the keys that signed checkpoints: those vouch for every line before them. */
  checkpointKeys?: readonly Pick<Signer, 'alg' | 'pub'>[];
  /** What `onCheckpoint` or an earlier report said and was kept elsewhere: the log goes at least as far. */
  expect?: LogHead;
  /** `seq` of the first line, where earlier files are not at hand any more. Default 0. */
  from?: number;
}

/**
 * Finds what was changed in a log after it was written. Its files may be named in any order.
 * @throws SealwireError `invalid-option` without `key` and `checkpointKeys`; what the file system throws
 */
export async function verifyAuditLog(
  paths: readonly string[],
  options: VerifyOptions,
): Promise<AuditLogReport> {
  checkOptions(options, ['key', 'checkpointKeys', 'expect', 'from']);
  const { checkpointKeys = [], key, expect, from = 0 } = options;
  if (!Array.isArray(checkpointKeys) || checkpointKeys.some((each) => !(each?.pub instanceof Uint8Array)))
    throw invalid('`checkpointKeys` is a list of keys: { alg, pub }.');
  if (expect !== undefined && !Number.isSafeInteger(expect?.lines))
    throw invalid('`expect` is what `onCheckpoint` said: { lines, hash }.');
  if (!Number.isSafeInteger(from) || from < 0) throw invalid('`from` is the `seq` of a line.');
  if (paths.length === 0) throw invalid('No file is named.');
  if (key === undefined && checkpointKeys.length === 0) {
    throw invalid('Without `key` and `checkpointKeys` everybody could have written the log.');
  }
  const signers = new Map(
    await Promise.all(
      checkpointKeys.map(async (each) => [await thumbprint(each.alg, each.pub), each] as const),
    ),
  );
  const walk = new Walk(key === undefined ? undefined : importLogKey(key), signers, expect, from);
  const files = await inOrder(paths);
  for (const file of files) await walk.file(file);
  return { ...walk.end(), files };
}

/** By the first line of each that can be read. */
async function inOrder(paths: readonly string[]): Promise<string[]> {
  const files = await Promise.all(paths.map(async (path) => ({ path, seq: await firstSeq(path) })));
  return files.sort((a, b) => a.seq - b.seq).map(({ path }) => path);
}

async function firstSeq(path: string): Promise<number> {
  for await (const { bytes } of readLines(path)) {
    const line = parseLine(bytes);
    if (line !== undefined) return line.seq;
  }
  return Number.POSITIVE_INFINITY;
}

/** Goes through the lines in their order. After a fault it goes on from what stands there, so that one is one. */
class Walk {
  readonly #key: KeyObject | undefined;
  readonly #signers: ReadonlyMap<string, Pick<Signer, 'alg' | 'pub'>>;
  readonly #expect: VerifyOptions['expect'];
  readonly #faults: AuditLogFault[] = [];
  #file = '';
  #line = 0;
  /** `seq` that the next line has to have. */
  #seq: number;
  /** Hash of the line before. */
  #hash = beginning;
  /** False after a fault, so that it is not found again in the next line, and before the first of later files. */
  #chained: boolean;
  /** Unreadable lines since the last one that is none: the next may say that a crash left them. */
  #unreadable: { hash: string; fault: AuditLogFault }[] = [];
  #events = 0;
  #torn = 0;
  #vouched = 0;
  #closed = false;
  #met = false;
  #until: number | undefined;

  constructor(
    key: KeyObject | undefined,
    signers: ReadonlyMap<string, Pick<Signer, 'alg' | 'pub'>>,
    expect: VerifyOptions['expect'],
    from: number,
  ) {
    this.#key = key;
    this.#signers = signers;
    this.#expect = expect;
    this.#seq = from;
    this.#chained = from === 0;
  }

  async file(path: string): Promise<void> {
    this.#file = path;
    this.#line = 0;
    for await (const { bytes, ended } of readLines(path)) {
      this.#line++;
      const parsed = ended ? parseLine(bytes) : undefined;
      if (parsed !== undefined) await this.#next(parsed, lineHash(bytes));
      else {
        const text = ended
          ? 'It is no line of a log.'
          : 'It has no end: the writer crashed, or the file was cut.';
        this.#unreadable.push({ hash: lineHash(bytes), fault: this.#fault('unreadable', text) });
      }
    }
  }

  end(): Omit<AuditLogReport, 'files'> {
    this.#report(this.#unreadable);
    const lines = this.#seq;
    const expected = this.#expect;
    if (expected !== undefined && !this.#met) {
      const short = `The log has ${lines} lines; ${expected.lines} were expected.`;
      this.#faults.push(this.#fault('cut', lines < expected.lines ? short : 'No line is the one expected.'));
    }
    if (expected === undefined && !this.#closed) {
      const text =
        'There is no closing checkpoint: the log is being written, its writer was killed, or its end was cut off. What was kept elsewhere (`expect`) can tell.';
      this.#faults.push(this.#fault('open-end', text));
    }
    return {
      sound: this.#faults.length === 0,
      faults: this.#faults,
      events: this.#events,
      lines,
      hash: this.#hash,
      vouched: this.#key === undefined ? this.#vouched : lines,
      torn: this.#torn,
      closed: this.#closed,
      until: this.#until,
    };
  }

  #fault(kind: FaultKind, text: string): AuditLogFault {
    return { kind, file: this.#file, line: this.#line, text };
  }

  async #next({ seq, prev, content, body, mac }: ParsedLine, hash: string): Promise<void> {
    this.#excuse(('opened' in content && content.opened.torn) || []);
    const fault = this.#brokenBy(seq, prev) ?? this.#forged(body, mac);
    if (fault !== undefined) this.#faults.push(fault);
    this.#closed = false;
    if ('checkpoint' in content) await this.#checkpoint(content.checkpoint);
    if ('event' in content) this.#events++;
    this.#until = timeOf(content);
    this.#seq = seq + 1;
    this.#hash = hash;
    this.#chained = fault === undefined;
    if (this.#expect?.lines === this.#seq) this.#meet();
  }

  /** What a crash left is no fault if the writer said so when it came back. */
  #excuse(torn: readonly string[]): void {
    const found = this.#unreadable;
    this.#unreadable = [];
    if (torn.length === found.length && found.every(({ hash }, at) => hash === torn[at])) {
      this.#torn += torn.length;
    } else if (found.length > 0) this.#report(found);
    else this.#faults.push(this.#fault('gap', 'What a crash had broken off here is missing.'));
  }

  #report(unreadable: readonly { fault: AuditLogFault }[]): void {
    // One by one: there may be more of them than a call takes arguments.
    for (const { fault } of unreadable) this.#faults.push(fault);
  }

  #brokenBy(seq: number, prev: string): AuditLogFault | undefined {
    if (seq > this.#seq) {
      const [first, last] = [this.#seq, seq - 1];
      const which = first === last ? `Line ${first} is` : `Lines ${first} to ${last} are`;
      return this.#fault('gap', `${which} missing here: deleted, changed, or in another place.`);
    }
    if (seq < this.#seq) return this.#fault('order', `It is line ${seq}, where ${this.#seq} belongs.`);
    if (!this.#chained || prev === this.#hash) return undefined;
    return this.#fault('edited', 'It does not follow upon the line before: one of them was changed.');
  }

  #forged(body: Uint8Array, mac: Buffer): AuditLogFault | undefined {
    if (this.#key === undefined || isMac(lineMac(this.#key, body), mac)) return undefined;
    return this.#fault('edited', "It was changed: its MAC is not by the log's key.");
  }

  async #checkpoint(checkpoint: Checkpoint): Promise<void> {
    if (this.#signers.size > 0) {
      const { alg, pub } = this.#signers.get(checkpoint.key) ?? {};
      if (alg === undefined || pub === undefined) {
        this.#faults.push(
          this.#fault('signature', `It is signed by ${checkpoint.key}, a key that was not named.`),
        );
        return;
      }
      const signature = Buffer.from(checkpoint.sig, 'base64url');
      // Other spellings of it decode to the same bytes: they are an edit.
      const spelt = signature.toString('base64url') === checkpoint.sig;
      const fits =
        spelt && checkpoint.alg === alg && checkpoint.lines === this.#seq && checkpoint.hash === this.#hash;
      if (!fits || !(await verifySignature(alg, pub, checkpointStatement(checkpoint), signature))) {
        this.#faults.push(this.#fault('signature', 'It does not sign what stands before it.'));
        return;
      }
      this.#vouched = checkpoint.lines;
    }
    this.#closed = checkpoint.closing;
  }

  #meet(): void {
    this.#met = this.#hash === this.#expect?.hash;
    if (this.#met) this.#vouched = Math.max(this.#vouched, this.#seq);
  }
}

function timeOf(content: ParsedLine['content']): number {
  if ('event' in content) return content.event.time;
  return 'opened' in content ? content.opened.time : content.checkpoint.time;
}

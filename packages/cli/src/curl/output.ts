import { createWriteStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { basename } from 'node:path';
import { Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Failure, usage } from '../failure.ts';
import type { Flags } from '../flags.ts';
import { headLines } from './exchange.ts';
import { decoded } from './request.ts';

/** Where a response is written to, as it arrives. */
export class Output {
  readonly #flags: Flags;
  readonly #file: string | undefined;
  #opened: Writable | undefined;

  constructor(flags: Flags, url: URL) {
    this.#flags = flags;
    const file = flags.has('remote-name') ? remoteName(url) : flags.last('output');
    this.#file = file === '-' ? undefined : file;
  }

  /** A file is made when there is something to write. */
  get #sink(): Writable {
    if (this.#opened === undefined) {
      this.#opened = this.#file === undefined ? process.stdout : createWriteStream(this.#file);
      // What it fails with is thrown where it is written to.
      this.#opened.on('error', () => {});
    }
    return this.#opened;
  }

  head(incoming: IncomingMessage): void {
    if (!this.#flags.has('include') && !this.#flags.has('head')) return;
    this.#sink.write(Buffer.from(`${headLines(incoming).join('\r\n')}\r\n\r\n`, 'latin1'));
  }

  /** @throws Failure; what an abort fails with as it is */
  async body(incoming: IncomingMessage): Promise<void> {
    const stages = [...this.#decoders(incoming), this.#guard()];
    try {
      await pipeline([incoming, ...stages, this.#sink], { end: this.#file !== undefined });
    } catch (error) {
      throw error instanceof Failure ? error : failureOf(error as NodeJS.ErrnoException);
    }
  }

  #decoders({ headers }: IncomingMessage): Transform[] {
    if (!this.#flags.has('compressed')) return [];
    const codings = (headers['content-encoding'] ?? '').toLowerCase().split(',');
    return codings.reverse().flatMap((coding) => {
      const make = decoders[coding.trim()];
      return make === undefined ? [] : [make()];
    });
  }

  /** Keeps what no terminal should show from one that nobody named. */
  #guard(): Transform {
    const terminal = this.#file === undefined && process.stdout.isTTY && !this.#flags.has('output');
    return new Transform({
      transform(chunk: Buffer, _encoding, done) {
        if (terminal && chunk.includes(0))
          done(
            new Failure(23, 'binary', 'The body is binary. Say --output FILE, or --output - for a terminal.'),
          );
        else done(null, chunk);
      },
    });
  }
}

const decoders: Record<string, () => Transform> = {
  br: createBrotliDecompress,
  deflate: createInflate,
  gzip: createGunzip,
  'x-gzip': createGunzip,
};

function failureOf(error: NodeJS.ErrnoException): Error {
  if (error.syscall === 'write' || error.syscall === 'open')
    return new Failure(23, 'write', `${error.message}.`);
  if (error.code?.startsWith('Z_') || error.code?.startsWith('ERR_'))
    return new Failure(61, 'encoding', `The body is not encoded as it says: ${error.message}.`);
  if (error.code !== 'ECONNRESET') return error;
  return new Failure(
    18,
    'truncated',
    'The response broke off: cut short or altered on the way, or by the server.',
  );
}

function remoteName({ pathname }: URL): string {
  const name = basename(decoded(pathname));
  if (name === '' || pathname.endsWith('/')) throw usage('The URL names no file. Say --output FILE.');
  return name;
}

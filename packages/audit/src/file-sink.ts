import { type AuditEvent, type AuditSink, SealwireError, thumbprint } from '@sealwire/core';
import { type FileSettings, type FileSinkOptions, resolveFileOptions, resolveKey } from './file-options.ts';
import { Chain, type Checkpoint, checkpointStatement } from './line.ts';
import { lock } from './lock.ts';
import { LogFile } from './log-file.ts';
import { Losses } from './losses.ts';
import { resume } from './resume.ts';
import { Runs } from './runs.ts';

export interface FileSink extends AuditSink {
  flush(): Promise<void>;
  /** Writes what is left and a closing checkpoint. @throws SealwireError `audit-failed` */
  close(): Promise<void>;
}

/** Events that wait for the disk at most. */
const maxPending = 65_536;
/** Events that are written at a time. */
const batchSize = 1024;

/**
 * Writes events as JSON Lines whose every line is chained to the one before (line.ts), with signed checkpoints.
 * `verifyAuditLog` finds what was changed later. This process is the only one that writes the file; after a restart, also
 * one by a crash, the chain goes on.
 * @throws SealwireError `invalid-option`; `audit-failed` if another process writes the file, or its end is not genuine;
 *   what the file system throws
 */
export async function fileSink(path: string, options: FileSinkOptions): Promise<FileSink> {
  const settings = resolveFileOptions(options);
  const key = await resolveKey(options.key);
  const signedBy = await thumbprint(settings.signer.alg, settings.signer.pub);
  const unlock = lock(path);
  try {
    const { current, torn, seq, hash } = resume(path, key);
    const file = await LogFile.open(path, current.length);
    const time = settings.now();
    const chain = new Chain(key, seq, hash);
    const writer = new Writer(file, chain, settings, signedBy, current.first ?? { seq, time }, unlock);
    await writer.open(torn, current.endsWell);
    return writer;
  } catch (error) {
    unlock();
    throw error;
  }
}

class Writer implements FileSink {
  readonly #file: LogFile;
  readonly #chain: Chain;
  readonly #settings: FileSettings;
  readonly #signedBy: string;
  readonly #unlock: () => void;
  readonly #losses = new Losses();
  readonly #runs = new Runs(() => this.#write());
  readonly #timer: NodeJS.Timeout;
  #pending: AuditEvent[] = [];
  /** Lines of the chain that are not in the file yet. */
  #unwritten = '';
  /** Of the file's first line. */
  #first: { readonly seq: number; readonly time: number };
  /** `seq` behind the last checkpoint. */
  #signedTo: number;
  #checkpointDue = false;
  #unsynced = false;
  #warned = false;
  #closed = false;

  constructor(
    file: LogFile,
    chain: Chain,
    settings: FileSettings,
    signedBy: string,
    first: { seq: number; time: number },
    unlock: () => void,
  ) {
    this.#file = file;
    this.#chain = chain;
    this.#settings = settings;
    this.#signedBy = signedBy;
    this.#first = first;
    this.#unlock = unlock;
    this.#signedTo = chain.seq;
    this.#timer = setInterval(() => {
      this.#checkpointDue = this.#chain.seq > this.#signedTo;
      this.#soon();
    }, settings.interval);
    this.#timer.unref();
  }

  /** Writes the first line of this process. */
  async open(torn: readonly string[], endsWell: boolean): Promise<void> {
    try {
      await this.#append((endsWell ? '' : '\n') + this.#opened(torn), true);
    } catch (error) {
      await this.#end();
      throw error;
    }
  }

  record(event: AuditEvent): void {
    if (this.#closed) {
      this.#warn('an event came after it was closed');
      return;
    }
    if (this.#pending.length >= maxPending) this.#losses.add(event);
    else this.#pending.push(event);
    this.#soon();
  }

  async flush(): Promise<void> {
    if (this.#closed) throw failed('It was closed.');
    try {
      await this.#runs.run();
      if (this.#unsynced) await this.#sync();
    } catch (cause) {
      throw failed('The file cannot be written.', cause);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    try {
      await this.#runs.run();
      await this.#checkpoint(true);
    } catch (cause) {
      throw failed('The log could not be closed with a checkpoint.', cause);
    } finally {
      await this.#end();
    }
  }

  async #end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#file.close();
    this.#unlock();
  }

  #soon(): void {
    this.#runs.run().catch(() => this.#warn('the file cannot be written'));
  }

  /** Once until it goes well again: who is flooded needs no flood of warnings. */
  #warn(why: string): void {
    if (this.#warned) return;
    this.#warned = true;
    process.emitWarning(`The audit log has a problem: ${why}.`, { code: 'SEALWIRE_AUDIT' });
  }

  async #write(): Promise<void> {
    // What could not be written before.
    if (this.#unwritten !== '') await this.#append('', this.#settings.syncAlways);
    if (await this.#file.wasTaken()) {
      this.#warn('its file was moved, removed or cut by somebody else, and it goes on in what is there now');
      await this.#file.reopen();
      await this.#begin();
    }
    while (this.#pending.length > 0 || this.#losses.any) {
      const events = this.#pending.splice(0, batchSize);
      if (this.#pending.length === 0) events.push(...this.#losses.take());
      const lines = events.map((event) => this.#chain.next({ event })).join('');
      await this.#append(lines, this.#settings.syncAlways);
      if (this.#isFull()) await this.#rotate();
      else if (this.#chain.seq - this.#signedTo >= this.#settings.lines) this.#checkpointDue = true;
      if (this.#checkpointDue) await this.#tryCheckpoint();
    }
    if (this.#checkpointDue) await this.#tryCheckpoint();
    if (!this.#checkpointDue) this.#warned = false;
  }

  async #append(lines: string, sync: boolean): Promise<void> {
    this.#unwritten += lines;
    await this.#file.append(this.#unwritten, sync);
    this.#unwritten = '';
    this.#unsynced = !sync;
  }

  async #sync(): Promise<void> {
    this.#unsynced = false;
    try {
      await this.#file.sync();
    } catch (error) {
      this.#unsynced = true;
      throw error;
    }
  }

  #opened(torn: readonly string[]): string {
    const time = this.#settings.now();
    return this.#chain.next({ opened: { time, ...(torn.length > 0 && { torn }) } });
  }

  #isFull(): boolean {
    const { bytes, daily, now } = this.#settings;
    return this.#file.length >= bytes || (daily && dayOf(now()) !== dayOf(this.#first.time));
  }

  async #rotate(): Promise<void> {
    await this.#tryCheckpoint();
    await this.#file.rotate(this.#first.seq);
    await this.#begin();
  }

  /** Writes the first line of a new file. */
  async #begin(): Promise<void> {
    this.#first = { seq: this.#chain.seq, time: this.#settings.now() };
    await this.#append(this.#opened([]), true);
  }

  /** Without a signature the lines are kept all the same; the next one vouches for them, too. */
  async #tryCheckpoint(): Promise<void> {
    try {
      await this.#checkpoint(false);
      this.#checkpointDue = false;
    } catch {
      if (this.#unwritten !== '') throw failed('The file cannot be written.');
      this.#warn('a checkpoint could not be signed');
    }
  }

  async #checkpoint(closing: boolean): Promise<void> {
    const { signer, now, onCheckpoint } = this.#settings;
    const about = { time: now(), lines: this.#chain.seq, hash: this.#chain.hash, closing };
    const sig = Buffer.from(await signer.sign(checkpointStatement(about))).toString('base64url');
    const checkpoint: Checkpoint = { ...about, alg: signer.alg, key: this.#signedBy, sig };
    await this.#append(this.#chain.next({ checkpoint }), true);
    this.#signedTo = this.#chain.seq;
    try {
      onCheckpoint({ lines: this.#chain.seq, hash: this.#chain.hash });
    } catch {
      this.#warn('onCheckpoint() threw');
    }
  }
}

function dayOf(time: number): number {
  return Math.floor(time / 86_400_000);
}

function failed(detail: string, cause?: unknown): SealwireError {
  return new SealwireError('audit-failed', detail, { cause });
}

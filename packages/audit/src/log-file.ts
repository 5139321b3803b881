import { constants } from 'node:fs';
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { rotatedName } from './resume.ts';

const { O_APPEND, O_CREAT, O_WRONLY } = constants;

/** A file that only grows, whatever fails in between. */
export class LogFile {
  readonly #path: string;
  #handle: FileHandle;
  /** Bytes that are known to be written. */
  #length: number;
  #damaged = false;

  private constructor(path: string, handle: FileHandle, length: number) {
    this.#path = path;
    this.#handle = handle;
    this.#length = length;
  }

  /** Opens a file to go on behind its `length` bytes; a new one can be read by its owner only. */
  static async open(path: string, length: number): Promise<LogFile> {
    return new LogFile(path, await openFile(path), length);
  }

  get length(): number {
    return this.#length;
  }

  /** Writes all of it or throws; then it may be given again. */
  async append(text: string, sync: boolean): Promise<void> {
    const bytes = Buffer.from(text);
    // A disk that was full took a part of it.
    if (this.#damaged) await this.#handle.truncate(this.#length);
    this.#damaged = true;
    await this.#handle.appendFile(bytes);
    if (sync) await this.#handle.datasync();
    this.#damaged = false;
    this.#length += bytes.length;
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  /** True if the path does not lead to this file any more, or to less of it: somebody else moved, removed or emptied it. */
  async wasTaken(): Promise<boolean> {
    const [ours, there] = await Promise.all([
      this.#handle.stat(),
      stat(this.#path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      }),
    ]);
    return there?.ino !== ours.ino || there.dev !== ours.dev || ours.size < this.#length;
  }

  /** Goes on in whatever file is there now, or in a new one. */
  async reopen(): Promise<void> {
    const handle = await openFile(this.#path);
    const old = this.#handle;
    this.#handle = handle;
    this.#length = (await handle.stat()).size;
    // What it holds was written before.
    await old.close().catch(() => {});
  }

  /** Puts the file away under the `seq` of its first line, and begins a new one. */
  async rotate(firstSeq: number): Promise<void> {
    await rename(this.#path, rotatedName(this.#path, firstSeq)).catch((error: NodeJS.ErrnoException) => {
      // It was put away before, and the new one could not be opened.
      if (error.code !== 'ENOENT') throw error;
    });
    await this.reopen();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

function openFile(path: string): Promise<FileHandle> {
  return open(path, O_APPEND | O_CREAT | O_WRONLY, 0o600);
}

import { createSecretKey, type KeyObject } from 'node:crypto';
import type { Maybe, Signer } from '@sealwire/core';
import { checkNumbers, checkOptions, invalid } from './invalid.ts';
import type { LogHead } from './line.ts';

export interface FileSinkOptions {
  /** The log's key for its MACs, 32 bytes, or what brings it. It is copied. One log has one key. */
  key: Uint8Array | (() => Maybe<Uint8Array>);
  /** Signs checkpoints. Whoever has its public half can verify the log without the key. */
  signer: Signer;
  /** How often there is a checkpoint: after so many lines (default 1000) and minutes (default 10, at most 1440), if anything was written. */
  checkpoints?: { lines?: number; minutes?: number };
  /** Hears how far the log goes whenever a checkpoint was written. Kept elsewhere, it shows if the log's end is cut off. */
  onCheckpoint?: (head: LogHead) => void;
  /** When a new file is begun: beyond so many bytes (default 64 MiB), and each day (UTC) if `daily`. */
  rotate?: { bytes?: number; daily?: boolean };
  /** When lines are forced to the disk: after each write (default), or only for `flush()`, checkpoints and the end. */
  sync?: 'always' | 'flush';
  /** Time in milliseconds, for tests. Default `Date.now`. */
  clock?: () => number;
}

/** The options after validation. */
export interface FileSettings {
  readonly signer: Signer;
  readonly lines: number;
  /** In milliseconds. */
  readonly interval: number;
  readonly onCheckpoint: (head: LogHead) => void;
  readonly bytes: number;
  readonly daily: boolean;
  readonly syncAlways: boolean;
  readonly now: () => number;
}

/** A checkpoint a day, at least. */
const maxMinutes = 1440;

const known = ['key', 'signer', 'checkpoints', 'onCheckpoint', 'rotate', 'sync', 'clock'];

/** @throws SealwireError `invalid-option` */
export function resolveFileOptions(options: FileSinkOptions): FileSettings {
  checkOptions(options, known);
  const { signer, checkpoints = {}, rotate = {}, onCheckpoint = () => {}, sync = 'always' } = options;
  const { clock = Date.now } = options;
  checkOptions(checkpoints, ['lines', 'minutes'], '`checkpoints`');
  checkOptions(rotate, ['bytes', 'daily'], '`rotate`');
  const { lines = 1000, minutes = 10 } = checkpoints;
  const { bytes = 64 * 1024 * 1024, daily = false } = rotate;
  if (typeof signer?.sign !== 'function') throw invalid('`signer` is a Signer of @sealwire/core.');
  if (typeof clock !== 'function') throw invalid('`clock` is a function that returns milliseconds.');
  if (sync !== 'always' && sync !== 'flush') throw invalid("`sync` is 'always' or 'flush'.");
  if (typeof onCheckpoint !== 'function') throw invalid('`onCheckpoint` is a function.');
  checkNumbers({ lines, minutes, bytes });
  // A timer that is longer runs without a pause.
  if (minutes > maxMinutes) throw invalid(`\`minutes\` is at most ${maxMinutes}, a day.`);
  return {
    signer,
    lines,
    interval: minutes * 60_000,
    onCheckpoint,
    bytes,
    daily,
    syncAlways: sync === 'always',
    now: clock,
  };
}

/** @throws SealwireError `invalid-option` */
export async function resolveKey(key: FileSinkOptions['key']): Promise<KeyObject> {
  return importLogKey(typeof key === 'function' ? await key() : key);
}

/** @throws SealwireError `invalid-option` */
export function importLogKey(bytes: unknown): KeyObject {
  if (!(bytes instanceof Uint8Array) || bytes.length !== 32) throw invalid('`key` is 32 bytes.');
  return createSecretKey(bytes);
}

import type { KeyObject } from 'node:crypto';
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SealwireError } from '@sealwire/core';
import { beginning, isMac, lineHash, lineMac, parseLine } from './line.ts';

/** How much of a file's end is looked at: lines are much shorter. */
const tailLength = 128 * 1024;

/** More unreadable lines no crash leaves: one write has about half as many, and their hashes fit into a line. */
const maxTorn = 2000;

/** Where a log goes on. */
export interface Resumption {
  /** `seq` of the next line. */
  readonly seq: number;
  /** Hash of the last. */
  readonly hash: string;
  /** Hashes of what a crash broke off behind it. */
  readonly torn: readonly string[];
}

/** The file of a log that is written, if it is there. */
export interface CurrentFile {
  readonly length: number;
  /** False if a crash broke off its last line. */
  readonly endsWell: boolean;
  /** What its first line says of itself; a new file's is not there yet. */
  readonly first: { readonly seq: number; readonly time: number } | undefined;
}

/** Name of a file that was put away: by the `seq` of its first line, so that they sort. */
export function rotatedName(path: string, seq: number): string {
  return `${path}.${String(seq).padStart(12, '0')}`;
}

/**
 * Reads how the log ends: in its current file, or in the latest that was put away.
 * @throws SealwireError `audit-failed` if it does not end with a line of this key
 */
export function resume(path: string, key: KeyObject): Resumption & { readonly current: CurrentFile } {
  const current = readEnds(path);
  const file = {
    length: current?.length ?? 0,
    endsWell: current === undefined || current.rest.length === 0,
    first: current?.first,
  };
  const ends = current !== undefined && current.length > 0 ? current : readEnds(latestRotated(path));
  if (ends === undefined) return { seq: 0, hash: beginning, torn: [], current: file };
  return { ...lastOf(ends, key), current: file };
}

interface Ends {
  readonly length: number;
  /** The lines at its end, the first of them perhaps without its beginning. */
  readonly lines: readonly Buffer[];
  /** What follows the last line feed. */
  readonly rest: Buffer;
  readonly first: CurrentFile['first'];
}

function lastOf({ lines, rest, length }: Ends, key: KeyObject): Resumption {
  const torn: string[] = [];
  // Only its line feed may be missing.
  const all = rest.length > 0 ? [...lines, rest] : lines;
  for (const line of all.toReversed()) {
    const last = parseLine(line);
    if (last === undefined) {
      if (torn.push(lineHash(line)) > maxTorn) throw notGenuine();
      continue;
    }
    if (!isMac(lineMac(key, last.body), last.mac)) throw notGenuine();
    return { seq: last.seq + 1, hash: lineHash(line), torn: torn.reverse() };
  }
  if (length > tailLength) throw notGenuine();
  return { seq: 0, hash: beginning, torn: torn.reverse() };
}

function notGenuine(): SealwireError {
  return new SealwireError(
    'audit-failed',
    'The log does not end with a line of this key: it was written with another one, or changed. Verify it, and begin a new log under another name.',
  );
}

function latestRotated(path: string): string | undefined {
  const name = basename(path);
  const rotated = readdirSync(dirname(path)).filter(
    (each) => each.startsWith(`${name}.`) && /^\d{12}$/.test(each.slice(name.length + 1)),
  );
  const latest = rotated.sort().at(-1);
  return latest === undefined ? undefined : join(dirname(path), latest);
}

function readEnds(path: string | undefined): Ends | undefined {
  if (path === undefined) return undefined;
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const length = fstatSync(descriptor).size;
    const read = (at: number) => {
      const bytes = Buffer.alloc(Math.min(length, tailLength));
      return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, at));
    };
    const lines = split(read(Math.max(0, length - tailLength)));
    const rest = lines.pop() as Buffer;
    return { length, lines, rest, first: firstOf(split(read(0))) };
  } finally {
    closeSync(descriptor);
  }
}

/** Every file begins with the line that says when it was opened, but for what a crash left behind. */
function firstOf(lines: readonly Buffer[]): CurrentFile['first'] {
  for (const line of lines) {
    const parsed = parseLine(line);
    if (parsed === undefined) continue;
    if (!('opened' in parsed.content)) return undefined;
    return { seq: parsed.seq, time: parsed.content.opened.time };
  }
  return undefined;
}

function split(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, start)) {
    lines.push(bytes.subarray(start, at));
    start = at + 1;
  }
  return [...lines, bytes.subarray(start)];
}

import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { SealwireError } from '@sealwire/core';

/** Since a machine was started anew, another program may have the number of the process that held a lock; empty if unknown. */
const boot = bootId();

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** Files that this process writes: its own lock is no sign of an earlier process with the same number. */
const ours = new Set<string>();

/**
 * Makes this process the only writer of a file, by a file `….lock` beside it. A lock that a process of this machine left
 * behind when it was killed is taken over; of another machine's it cannot be told.
 * @returns what gives the lock back
 * @throws SealwireError `audit-failed` if another holds it
 */
export function lock(path: string): () => void {
  const file = `${path}.lock`;
  // Two that find the same old lock must not both take it over: this one guards the look at the other.
  const guard = `${file}.guard`;
  exclusively(guard, () => heldBy(guard, 'another process that is starting'));
  try {
    if (holder(file) === 'gone') unlinkSync(file);
    exclusively(file, () => heldBy(file, holder(file)));
    ours.add(file);
  } finally {
    unlinkSync(guard);
  }
  return () => {
    if (ours.delete(file)) unlinkSync(file);
  };
}

function exclusively(file: string, taken: () => SealwireError): void {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'wx', 0o600);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? taken() : error;
  }
  writeSync(descriptor, `${process.pid} ${hostname()} ${boot}\n`);
  closeSync(descriptor);
}

/** Who holds a lock; `gone` if that process ended, undefined if nobody does. */
function holder(file: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const [pid = '', host = '', bootThen = boot] = text.trim().split(' ');
  const own = Number(pid) === process.pid;
  const ended = bootThen !== boot || (own ? !ours.has(file) : !isAlive(Number(pid)));
  const gone = host === hostname() && ended;
  return gone ? 'gone' : `process ${pid} on ${host}`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function heldBy(file: string, who: string | undefined): SealwireError {
  return new SealwireError(
    'audit-failed',
    `The log is written by ${who ?? 'another process'}; if that is gone, delete ${file}.`,
  );
}

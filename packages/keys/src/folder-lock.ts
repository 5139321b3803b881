// One process at a time. Whoever wants the lock puts a claim of a unique name into the folder and then looks for those
// of others: of two at the same time at least one sees the other, and withdraws. A claim whose process died is removed
// under its own name, so that nobody ever removes a claim that came after it, which a single lock file cannot promise.
import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { readdir, readFile, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { errorCode, keysInvalid, onFiles } from './failures.ts';

const claimName = /^lock-\d+-[0-9a-f]{16}$/;
/** How long a process waits for the others, in milliseconds. */
const patience = 20_000;
/** How often a claim is renewed, and how long one is watched that is not until it counts as left behind. */
const renewal = 2000;
const silence = 10_000;

/**
 * Runs `work` while no other process does so in the same folder.
 * @param work gets a function that throws if the lock was lost: to be called before what cannot be taken back
 * @throws SealwireError `keys-invalid` if others keep the lock for 20 seconds
 */
export async function withFolderLock<T>(
  folder: string,
  work: (assertHeld: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const claim = await acquire(folder);
  // The file system's clock and this one may differ: only that the time changes is looked at.
  const renew = setInterval(() => utimes(claim, new Date(), new Date()).catch(() => {}), renewal).unref();
  try {
    return await work(async () => {
      await stat(claim).catch((error) => {
        const problem =
          'was locked by this process for so long without a sign of life that another took over';
        throw keysInvalid(folder, problem, 'Nothing was changed. Try again.', error);
      });
    });
  } finally {
    clearInterval(renew);
    await unlink(claim).catch(() => {});
  }
}

async function acquire(folder: string): Promise<string> {
  const own = join(folder, `lock-${process.pid}-${randomBytes(8).toString('hex')}`);
  const watched = new Map<string, Sighting>();
  const end = performance.now() + patience;
  for (let pause = 5; ; pause = Math.min(pause * 1.5, 80)) {
    if ((await others(folder, own, watched)).length === 0) {
      await onFiles(folder, () => putClaim(own));
      const rivals = await others(folder, own, watched);
      if (rivals.length === 0) return own;
      await onFiles(own, () => unlink(own));
    }
    if (performance.now() > end) throw await lockedError(folder, [...watched.keys()]);
    await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
  }
}

async function putClaim(path: string): Promise<void> {
  try {
    await writeFile(path, describeProcess(), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    // A full disk has room for its name, which would hold up the next one, if perhaps not for what it says.
    await unlink(path).catch(() => {});
    throw error;
  }
}

/** A claim of another, as it was when its time was last seen to change. */
interface Sighting {
  readonly changed: number;
  readonly at: number;
}

/** The claims of others that live; removes those that do not. */
async function others(folder: string, own: string, watched: Map<string, Sighting>): Promise<string[]> {
  const names = await onFiles(folder, () => readdir(folder));
  const claims = names
    .filter((name) => claimName.test(name))
    .map((name) => join(folder, name))
    .filter((path) => path !== own);
  for (const path of watched.keys()) if (!claims.includes(path)) watched.delete(path);
  const living: string[] = [];
  for (const path of claims) {
    if (await onFiles(path, () => isLeftBehind(path, watched))) await unlink(path).catch(() => {});
    else living.push(path);
  }
  return living;
}

async function isLeftBehind(path: string, watched: Map<string, Sighting>): Promise<boolean> {
  try {
    const { mtimeMs: changed } = await stat(path);
    const now = performance.now();
    const seen = watched.get(path);
    if (seen?.changed !== changed) watched.set(path, { changed, at: now });
    else if (now - seen.at > silence) return true;
    return isOfDeadProcess(await readFile(path, 'utf8'));
  } catch (error) {
    // It was withdrawn meanwhile.
    if (errorCode(error) === 'ENOENT') return true;
    throw error;
  }
}

/** Where a process id means something: this boot of this machine, this container. */
const place = placeOf();

function placeOf(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

function describeProcess(): string {
  const { pid } = process;
  return JSON.stringify({ pid, host: hostname(), place, since: new Date().toISOString() });
}

function isOfDeadProcess(text: string): boolean {
  const [, pid] = text.match(/^\{"pid":(\d+),/) ?? [];
  if (pid === undefined || !text.includes(JSON.stringify(place))) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
}

async function lockedError(folder: string, claims: readonly string[]): Promise<Error> {
  const remedy = 'End that process, or wait until it is done.';
  try {
    const { pid, host, since } = JSON.parse(await readFile(claims[0] as string, 'utf8'));
    return keysInvalid(folder, `is locked by process ${pid} of ${host} since ${since}`, remedy);
  } catch {
    // Withdrawn, or not yet written.
    return keysInvalid(folder, 'is locked by other processes', remedy);
  }
}

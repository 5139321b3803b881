// Files that only one user may see: read after a look at owner and mode, replaced as a whole, erased.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, keysInvalid, onFiles } from './failures.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;
export const temporaryName = /\.tmp-[0-9a-f]{16}$/;

export interface Custody {
  readonly uid: number;
  readonly mode: number;
}

/**
 * What is wrong with who may see and change a file or folder; undefined if nothing is.
 * @param user the effective user id of this process
 * @param handedOut true for a file that the system hands out: it may be root's, and readable to a group then, which is
 * how systemd (its access lists show as the group's bits) and Kubernetes give one to the user of a service
 */
export function custodyFault(
  { uid, mode }: Custody,
  user: number,
  handedOut = false,
): { problem: string; remedy: string } | undefined {
  const byRoot = handedOut && uid === 0 && user !== 0;
  if (uid !== user && !byRoot)
    return {
      problem: 'belongs to another user',
      remedy: 'Run this process as that user, or change the owner (chown) to the user of this process.',
    };
  if ((mode & (byRoot ? 0o037 : 0o077)) === 0) return undefined;
  return {
    problem: `is open to other users (mode ${(mode & 0o777).toString(8).padStart(4, '0')})`,
    remedy: `Close it with chmod go-rwx; what was in it may be known to others: consider new keys.`,
  };
}

function checkCustody(path: string, stat: Custody, handedOut = false): void {
  // Windows has access lists, which Node does not show.
  const user = process.geteuid?.();
  const fault = user === undefined ? undefined : custodyFault(stat, user, handedOut);
  if (fault !== undefined) throw keysInvalid(path, fault.problem, fault.remedy);
}

/** @throws SealwireError `keys-invalid` if the folder is none, or others may look into it */
export async function checkPrivateFolder(path: string): Promise<void> {
  const stat = await onFiles(path, () => lstat(path));
  if (!stat.isDirectory()) throw keysInvalid(path, 'is not a folder', 'Check the path.');
  checkCustody(path, stat);
}

/**
 * The contents of a file that only this user may see.
 * @param handedOut see {@link custodyFault}; such files may also be symbolic links, as those of Kubernetes are
 * @throws SealwireError `keys-invalid`
 */
export function readPrivateFile(path: string, maxLength: number, handedOut = false): Promise<Buffer> {
  return onFiles(path, async () => {
    // Not blocking: a named pipe shall be refused, not waited for.
    const flags = O_RDONLY | (O_NONBLOCK ?? 0) | (handedOut ? 0 : (O_NOFOLLOW ?? 0));
    const handle = await open(path, flags);
    try {
      const stat = await handle.stat();
      if (!stat.isFile()) throw keysInvalid(path, 'is not a file', 'Put a file there.');
      checkCustody(path, stat, handedOut);
      const bytes = await readAtMost(handle, Math.min(stat.size, maxLength) + 1);
      if (bytes.length <= maxLength) return bytes;
      throw keysInvalid(path, `has more than ${maxLength} bytes`, 'Check that it is the right file.');
    } finally {
      await handle.close();
    }
  });
}

async function readAtMost(handle: FileHandle, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

/** Puts a file there as a whole, on disk when this resolves: others see what was there before, or all of the new one. */
export function replaceFile(
  folder: string,
  name: string,
  contents: string,
  commit = async () => {},
): Promise<void> {
  const path = join(folder, name);
  return onFiles(path, async () => {
    const temporary = `${path}.tmp-${randomBytes(8).toString('hex')}`;
    const handle = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | (O_NOFOLLOW ?? 0), 0o600);
    try {
      try {
        await handle.writeFile(contents);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await commit();
      await rename(temporary, path);
    } catch (error) {
      await unlink(temporary).catch(() => {});
      throw error;
    }
    await syncFolder(folder);
  });
}

/** Makes on disk what was renamed and removed in a folder. */
async function syncFolder(path: string): Promise<void> {
  // Windows cannot, and does not need to.
  if (process.platform === 'win32') return;
  const handle = await open(path, O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Overwrites and removes files, as far as the medium does what it is told: flash and snapshots keep copies. */
export async function eraseFiles(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const path = join(folder, name);
    await onFiles(path, async () => {
      try {
        await overwrite(path);
      } catch {
        // A link, or a file that is not ours to write: it can still be removed.
      }
      await unlink(path).catch((error) => {
        if (errorCode(error) !== 'ENOENT') throw error;
      });
    });
  }
  if (names.length > 0) await onFiles(folder, () => syncFolder(folder));
}

async function overwrite(path: string): Promise<void> {
  const handle = await open(path, O_RDWR | (O_NONBLOCK ?? 0) | (O_NOFOLLOW ?? 0));
  try {
    const { size } = await handle.stat();
    await handle.write(randomBytes(Math.min(size, 2 ** 16)), 0, undefined, 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

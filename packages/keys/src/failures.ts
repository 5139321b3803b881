import { SealwireError } from '@sealwire/core';

/** The error about a place where keys are kept: which one, what is wrong with it, what to do. Never a secret. */
export function keysInvalid(place: string, problem: string, remedy: string, cause?: unknown): SealwireError {
  const detail = `${place} ${problem}. ${remedy}`;
  return new SealwireError('keys-invalid', detail, cause === undefined ? undefined : { cause });
}

/** Problem and remedy by the code of a failed call of the file system. */
const failures: Readonly<Record<string, readonly [problem: string, remedy: string]>> = {
  ENOENT: ['does not exist', 'Check the path; if it was there before, restore it from a backup.'],
  ENOTDIR: ['is not a folder', 'Check the path.'],
  EISDIR: ['is a folder, not a file', 'Check the path.'],
  ELOOP: ['is a symbolic link', 'Put the file itself there.'],
  EACCES: ['is not accessible to this process', 'Run it as the owner of the folder, and see its mode.'],
  EPERM: ['may not be changed by this process', 'Run it as the owner of the folder, and see its mode.'],
  EROFS: ['lies on a file system that is read-only', 'Mount it writable, or change the keys elsewhere.'],
  ENOSPC: ['cannot be written: the disk is full', 'Make room; what was there before is unchanged.'],
  EDQUOT: ['cannot be written: the quota is used up', 'Make room; what was there before is unchanged.'],
  EFBIG: [
    'cannot be written: files may not become so large here',
    'Raise the limit; what was there before is unchanged.',
  ],
};

export function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

/** What a call of the file system answers; its failure as an error that names the place and a remedy. */
export async function onFiles<T>(place: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const code = errorCode(error);
    // Without a code it is no failure of the file system.
    if (code === undefined || error instanceof SealwireError) throw error;
    const [problem, remedy] = failures[code] ?? [`fails with ${code}`, 'Check the file system.'];
    throw keysInvalid(place, problem, remedy, error);
  }
}

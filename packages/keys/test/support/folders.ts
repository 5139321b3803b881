import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterwards } from '../../../../test/support/resources.ts';
import { createKeyDirectory } from '../../src/key-directory.ts';
import type { KeyStorage } from '../../src/storage.ts';
import { adding, type NewKey, newKey, passphrase } from './keys.ts';

/** A new folder that only this user sees, removed after the test. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sealwire-keys-'));
  afterwards(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A new key directory that holds these keys. */
export async function directoryWith(
  ...keys: readonly NewKey[]
): Promise<{ folder: string; storage: KeyStorage }> {
  const folder = await newFolder();
  const storage = await createKeyDirectory(folder, { passphrase });
  if (keys.length > 0) await storage.update(adding(...keys));
  return { folder, storage };
}

export async function copyOfFolder(folder: string): Promise<string> {
  const copy = await newFolder();
  await cp(folder, copy, { recursive: true, preserveTimestamps: true });
  return copy;
}

export async function example(): Promise<{ folder: string; storage: KeyStorage; key: NewKey }> {
  const key = await newKey('X25519');
  return { ...(await directoryWith(key)), key };
}

export const keyFile = ({ entry }: NewKey) => `key-${entry.id}.pem`;

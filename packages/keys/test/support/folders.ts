import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { giveUp, temporaryFolder } from '../../../../test/support/folders.ts';
import { createKeyDirectory, openKeyDirectory } from '../../src/key-directory.ts';
import type { KeyStorage } from '../../src/storage.ts';
import { adding, type NewKey, newKey, passphrase } from './keys.ts';

/** A new key directory that holds these keys. */
export async function directoryWith(
  ...keys: readonly NewKey[]
): Promise<{ folder: string; storage: KeyStorage }> {
  const folder = temporaryFolder();
  const storage = await createKeyDirectory(folder, { passphrase });
  if (keys.length > 0) await storage.update(adding(...keys));
  return { folder, storage };
}

export async function copyOfFolder(folder: string): Promise<string> {
  const copy = temporaryFolder();
  await cp(folder, copy, { recursive: true, preserveTimestamps: true });
  return copy;
}

let template: Promise<{ folder: string; key: NewKey }> | undefined;

/** A key directory with one key: copies of one, so that a test file derives its keys once. */
export async function example(): Promise<{ folder: string; storage: KeyStorage; key: NewKey }> {
  template ??= makeTemplate();
  const { folder: original, key } = await template;
  const folder = await copyOfFolder(original);
  return { folder, storage: await openKeyDirectory(folder, { passphrase }), key };
}

async function makeTemplate(): Promise<{ folder: string; key: NewKey }> {
  const folder = await mkdtemp(join(tmpdir(), 'sealwire-keys-'));
  process.once('exit', () => giveUp(folder));
  const key = await newKey('X25519');
  await (await createKeyDirectory(folder, { passphrase })).update(adding(key));
  return { folder, key };
}

export const keyFile = ({ entry }: NewKey) => `key-${entry.id}.pem`;

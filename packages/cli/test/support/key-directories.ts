import * as assert from 'uvu/assert';
import { isSecret } from '../../../../test/support/recording.ts';
import { inProcess } from './in-process.ts';
import { folderWith } from './programs.ts';

export const passphrase = 'slow gooseberries ripen well';
isSecret(passphrase);

/** Runs a command on a key directory that is there, and succeeds. @returns what it wrote */
type OnKeys = (...args: readonly string[]) => Promise<string>;

/** A folder with a passphrase's file, mode 0600, and flags that name a key directory in it, which is not made yet. */
export function keysFolder() {
  const folder = folderWith({ passphrase: `${passphrase}\n`, other: 'another passphrase\n' }, 0o600);
  const flags = ['--dir', `${folder}/keys`, '--passphrase-file', `${folder}/passphrase`];
  const keys = (...args: readonly string[]) =>
    inProcess(['keys', ...args.slice(0, 1), ...flags, ...args.slice(1)]);
  const done: OnKeys = async (...args) => {
    const { code, stdout, stderr } = await keys(...args);
    assert.is(code, 0, stderr);
    return stdout;
  };
  return { folder, flags, keys, done };
}

/** The same with keys of one suite. */
export async function keyDirectory() {
  const made = keysFolder();
  const text = await made.done('init', '--suites', 'X25519');
  const list = async (...flags: readonly string[]) =>
    JSON.parse(await made.done('list', '--json', ...flags)) as ListedKey[];
  /** The one key with a status. */
  const idOf = async (status: string, purpose = 'kem') => {
    const found = (await list()).filter((key) => key.status === status && key.purpose === purpose);
    assert.is(found.length, 1, `${found.length} are ${status}`);
    return (found[0] as ListedKey).id;
  };
  return { ...made, pin: text.match(/^sw1\S+$/m)?.[0] as string, list, idOf };
}

export interface ListedKey {
  readonly id: string;
  readonly purpose: string;
  readonly alg: string;
  readonly status: string;
  readonly pin?: string;
  readonly next: { readonly step: string; readonly from: number } | null;
}

// Replaces a key by a new one, and kills itself before the nth call that changes something on disk.
import type { FileHandle } from 'node:fs/promises';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { openKeyDirectory } from '../../src/key-directory.ts';
import { adding, destroying, newKey, passphrase } from './keys.ts';

const { KEYS_FOLDER: folder = '', STEP } = process.env;
const storage = await openKeyDirectory(folder, { passphrase });
const [old] = (await storage.read()).entries;
const key = await newKey('X25519');

let steps = Number(STEP);
type Call = (...args: never[]) => unknown;

/** Counts the calls of a method that change something. */
function count<Name extends string>(
  owner: Record<Name, Call>,
  name: Name,
  changes: (args: unknown[]) => boolean = () => true,
): void {
  const original = owner[name];
  owner[name] = function counted(this: unknown, ...args: never[]) {
    if (changes(args)) {
      console.log(name);
      if (--steps === 0) process.kill(process.pid, 'SIGKILL');
    }
    return original.apply(this, args);
  };
}

const probe = await fs.open(new URL(import.meta.url));
const handles = Object.getPrototypeOf(probe) as FileHandle;
await probe.close();
for (const name of ['write', 'writeFile'] as const) count(handles as never, name as never);
for (const name of ['writeFile', 'rename', 'unlink'] as const) count(fs as never, name as never);
count(fs as never, 'open' as never, ([, flags]) => (Number(flags) & fs.constants.O_CREAT) !== 0);
syncBuiltinESMExports();

await storage.update((state) => {
  const added = adding(key)(state);
  return { ...added, ...destroying(old?.id as string)(added.state) };
});

import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterwards } from './resources.ts';

/** A new folder that only this user sees. After the test its files are searched for secrets, and it is removed. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealwire-'));
  afterwards(() => giveUp(folder));
  return folder;
}

/** Has the runner search what a folder holds now (check-records.ts) and remove it; without the runner it is removed. */
export function giveUp(folder: string): void {
  // A test may have taken it away.
  if (!existsSync(folder)) return;
  const records = process.env.SEALWIRE_RECORDS;
  if (records === undefined) rmSync(folder, { recursive: true });
  else renameSync(folder, join(records, `${process.pid}-${basename(folder)}`));
}

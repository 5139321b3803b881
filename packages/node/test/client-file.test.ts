// The file of allowed clients is watched from the moment it was read.
import { scrypt } from 'node:crypto';
import { unwatchFile, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import { it } from '../../../test/support/cases.ts';
import { temporaryFolder } from '../../../test/support/folders.ts';
import { until } from '../../../test/support/left-behind.ts';
import { afterwards } from '../../../test/support/resources.ts';
import { watchClientFile } from '../src/client-file.ts';

const [before, after] = ['A'.repeat(43), 'E'.repeat(43)] as const;
const derive = promisify(scrypt);

it('a file that changes before Node has looked at it for the first time is read again', async () => {
  const file = join(temporaryFolder(), 'clients');
  afterwards(() => unwatchFile(file));
  writeFileSync(file, before);
  // As when a server opens its keys: whatever else is to be done in the background has to wait.
  const busy = Array.from({ length: 16 }, () => derive('passphrase', 'salt', 32));
  let read = false;
  watchClientFile({ file }, (list) => {
    read = list.has(after);
  });
  writeFileSync(file, after);
  await until(() => read, 'it is read again', 10_000);
  await Promise.all(busy);
});

test.run();

// docs/OPERATIONS.md does what it says: its commands and scripts run in their order, each section as a test.
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openKeyDirectory } from '@sealwire/keys';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { within } from './support/cases.ts';
import { giveUp } from './support/folders.ts';
import { readGuide } from './support/guide.ts';
import { GuideShell } from './support/guide-shell.ts';
import { isThere, type Need, needing } from './support/needs.ts';
import { freePort } from './support/nginx.ts';
import { isSecret, wasPrinted } from './support/recording.ts';
import { configureSoftHsm, findSoftHsm } from './support/softhsm.ts';

/** A section runs a dozen commands, each a process of its own that compiles what it loads. */
const sectionLimit = 120_000;

const sections = readGuide(fileURLToPath(new URL('../docs/OPERATIONS.md', import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), 'sealwire-guide-'));
const replacements = {
  '8080': String(await freePort()),
  '8081': String(await freePort()),
  '/usr/lib/softhsm/libsofthsm2.so': findSoftHsm() ?? 'no SoftHSM',
};
// One after the other in one shell, as a reader does them.
const shell = new GuideShell(folder, replacements, { SOFTHSM2_CONF: configureSoftHsm(folder) });
/** The guide makes keys with it from its first section on. */
const hasOpenssl = isThere('openssl');

test.after(async () => {
  await shell.close();
  if (hasOpenssl) await nameSecrets();
  giveUp(folder);
});

/** What an operator has made here is in no log, audit log or output of what was run. */
async function nameSecrets(): Promise<void> {
  const read = (name: string) => readFileSync(join(folder, name), 'utf8').trim();
  for (const name of ['passphrase', 'client-passphrase', 'bundle-passphrase']) isSecret(read(name));
  isSecret(Buffer.from(read('audit.key'), 'hex'));
  const { d } = createPrivateKey(read('audit-signer.pem')).export({ format: 'jwk' });
  isSecret(Buffer.from(d as string, 'base64url'));
  isSecret(read('audit-signer.pem'));
  const storage = await openKeyDirectory(join(folder, 'keys'), { passphrase: read('passphrase') });
  for (const entry of (await storage.read()).entries)
    if (entry.status !== 'destroyed' && entry.elsewhere !== true) isSecret(await storage.secret(entry));
}

for (const { title, needs, steps } of sections.filter((each) => each.steps.length > 0)) {
  const need = hasOpenssl ? (needs as Need | undefined) : 'openssl';
  const register = need === undefined ? test : needing(need, test);
  register(title, async () => {
    for (const step of steps) {
      const output = await within(shell.run(step), `${title}: ${JSON.stringify(step)}`, sectionLimit);
      wasPrinted(output);
      // Whatever is done here, nobody has to be told of a fault.
      assert.not.match(output, /^sealwire: |✗/m);
    }
  });
}

test.run();

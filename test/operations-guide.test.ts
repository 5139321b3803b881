// docs/OPERATIONS.md does what it says: its commands and scripts run in their order, each section as a test.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { within } from './support/cases.ts';
import { readGuide } from './support/guide.ts';
import { GuideShell } from './support/guide-shell.ts';
import { type Need, needing } from './support/needs.ts';
import { freePort } from './support/nginx.ts';
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
test.after(async () => {
  await shell.close();
  rmSync(folder, { recursive: true, force: true });
});

for (const { title, needs, steps } of sections.filter((each) => each.steps.length > 0)) {
  const register = needs === undefined ? test : needing(needs as Need, test);
  register(title, async () => {
    for (const step of steps) {
      const output = await within(shell.run(step), `${title}: ${JSON.stringify(step)}`, sectionLimit);
      // Whatever is done here, nobody has to be told of a fault.
      assert.not.match(output, /^sealwire: |✗/m);
    }
  });
}

test.run();

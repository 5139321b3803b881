// The development certificate: made once, kept for as long as it is good, for this machine only.
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { afterwards } from '../../../test/support/resources.ts';
import { developmentCertificate } from '../certificate.mjs';

const day = 86_400_000;

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealwire-certificate-'));
  afterwards(() => rmSync(folder, { recursive: true }));
  return join(folder, 'deeper');
}

it('it is for localhost, vouches for nothing else and lasts no longer than browsers take', async () => {
  const { cert } = await developmentCertificate(newFolder());
  const certificate = new X509Certificate(cert);
  assert.ok(certificate.checkHost('localhost'));
  assert.ok(certificate.checkIP('127.0.0.1'));
  assert.not.ok(certificate.ca);
  assert.ok(Date.parse(certificate.validFrom) < Date.now());
  assert.ok(Date.parse(certificate.validTo) - Date.parse(certificate.validFrom) < 398 * day);
});

it('it is kept, in files that only its owner reads', async () => {
  const folder = newFolder();
  const made = await developmentCertificate(folder);
  assert.is(readFileSync(made.certFile, 'utf8'), made.cert);
  for (const name of ['key.pem', 'cert.pem']) assert.is(statSync(join(folder, name)).mode & 0o777, 0o600);
  assert.equal(await developmentCertificate(folder), made);
});

it('it is made anew where it is about to end, spoilt, or not the one of its key', async () => {
  const folder = newFolder();
  const first = await developmentCertificate(folder);
  const later = await developmentCertificate(folder, Date.now() + 89.5 * day);
  assert.is.not(later.cert, first.cert);

  writeFileSync(join(folder, 'key.pem'), first.key);
  const fitting = await developmentCertificate(folder);
  assert.is.not(fitting.cert, later.cert);

  writeFileSync(join(folder, 'cert.pem'), 'spoilt');
  assert.is.not((await developmentCertificate(folder)).cert, fitting.cert);
});

test.run();

// A certificate for https://localhost, made on this machine and used for nothing else.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

const day = 24 * 3_600_000;
/** Browsers take no certificate for longer than 398 days. */
const life = 90 * day;

/**
 * The certificate in a folder; a new one where there is none that fits its key and lasts for another day.
 * @param {string} folder
 * @returns {Promise<{ key: string, cert: string, certFile: string }>} both in PEM
 */
export async function developmentCertificate(folder, now = Date.now()) {
  const keyFile = join(folder, 'key.pem');
  const certFile = join(folder, 'cert.pem');
  const held = read(keyFile, certFile);
  if (held !== undefined && isUsable(held, now + day)) return { ...held, certFile };

  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    // A little in the past, for clocks that do not quite agree.
    notBeforeDate: new Date(now - day),
    notAfterDate: new Date(now + life),
    extensions: [
      // It can vouch for no other name, not even if somebody trusts it and its key is stolen.
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  write(keyFile, made.private);
  write(certFile, made.cert);
  return { key: made.private, cert: made.cert, certFile };
}

function read(keyFile, certFile) {
  try {
    return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') };
  } catch {
    return undefined;
  }
}

function isUsable({ key, cert }, until) {
  try {
    const certificate = new X509Certificate(cert);
    return Date.parse(certificate.validTo) > until && certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

function write(file, text) {
  writeFileSync(file, text, { mode: 0o600 });
  // The mode above counts for new files only.
  chmodSync(file, 0o600);
}

import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { type FileSink, fileSink } from '@sealwire/audit';
import { fileFailure, usage } from '../failure.ts';
import type { Flags, FlagTable } from '../flags.ts';
import { readLogKey, readSecret } from './key-file.ts';

/** Flags of commands whose doings may be recorded. */
export const auditFlags = {
  audit: {
    value: 'FILE',
    text: "record what is done to keys in this audit log: the operator's own, since a server keeps its log for itself",
  },
  'audit-key-file': { value: 'FILE', text: 'its key: 32 bytes as base64url or hex' },
  'audit-signer-file': { value: 'FILE', text: 'the Ed25519 key, in PEM, that signs its checkpoints' },
} as const satisfies FlagTable;

/**
 * The log that the flags name, or undefined.
 * @throws Failure; SealwireError `audit-failed` if another process writes it
 */
export async function operatorsLog(flags: Flags): Promise<FileSink | undefined> {
  const [file, keyFile, signerFile] = ['audit', 'audit-key-file', 'audit-signer-file'].map(flags.last);
  if (file === undefined) return undefined;
  if (keyFile === undefined || signerFile === undefined)
    throw usage('--audit needs --audit-key-file and --audit-signer-file, too.');
  const key = readLogKey('--audit-key-file', keyFile);
  try {
    return await fileSink(file, { key, signer: readSigner(signerFile) });
  } catch (error) {
    throw 'syscall' in (error as object) ? fileFailure(1, error) : error;
  }
}

function readSigner(file: string) {
  const pem = readSecret(file);
  try {
    const privateKey = createPrivateKey(pem);
    const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
    const pub = Buffer.from(x as string, 'base64url');
    if (privateKey.asymmetricKeyType === 'ed25519')
      return { alg: 'Ed25519' as const, pub, sign: async (data: Uint8Array) => sign(null, data, privateKey) };
  } catch {
    // What OpenSSL says of it helps nobody.
  }
  throw usage(
    `--audit-signer-file ${file} is no private key of Ed25519. Make one: openssl genpkey -algorithm ed25519`,
  );
}

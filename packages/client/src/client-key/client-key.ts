import { type Signer, type SigningKey, signerOf, thumbprint } from '@sealwire/core';

/** A key that a server knows its client by; for the option `clientKey`. */
export interface ClientKey extends Signer {
  /** What the server calls it: `req.sealed.client`, `allowClients`. It is no secret. */
  readonly thumbprint: string;
}

export async function clientKeyOf(key: SigningKey): Promise<ClientKey> {
  return { ...signerOf(key), thumbprint: await thumbprint(key.alg, key.pub) };
}

import { Connections } from './connections.ts';
import { checkOptions, type TokenOptions } from './options.ts';
import { Token, tokenError } from './token.ts';

/**
 * Opens a token of an HSM, a smart card or SoftHSM through its PKCS#11 module, and logs in.
 * @throws SealwireError `invalid-option`; `keys-invalid`, with module, token and remedy, if it cannot be used
 */
export async function openToken(options: TokenOptions): Promise<Token> {
  const { token, ...others } = checkOptions(options);
  const [[kind, value]] = Object.entries(token) as [[string, string | number]];
  const name = `the token with ${kind} ${JSON.stringify(value)} of ${others.module}`;
  try {
    return new Token(await Connections.open({ token, ...others }), name);
  } catch (cause) {
    throw tokenError('keys-invalid', name, cause);
  }
}
